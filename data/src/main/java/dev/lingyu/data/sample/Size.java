package dev.lingyu.data.sample;

/// How much of the sample domain to generate.
///
/// `FULL` is meant for a quickstart run from scratch on two CPU cores, `TINY` for one on an open model there;
/// `SMALL` for tests and first trials.
public enum Size {
    /// 5 products per category, 3 facts asked of each.
    TINY(5, 1, 3, 2, 1),
    /// 10 products per category, 3 facts asked of each.
    SMALL(10, 2, 3, 2, 1),
    /// All 24 products per category, 4 facts asked of each.
    FULL(24, 3, 4, 3, 2);

    private final int productsPerCategory;
    private final int newPerCategory;
    private final int askedAttributes;
    private final int introductions;
    private final int dialogues;

    Size(int productsPerCategory, int newPerCategory, int askedAttributes, int introductions, int dialogues) {
        this.productsPerCategory = productsPerCategory;
        this.newPerCategory = newPerCategory;
        this.askedAttributes = askedAttributes;
        this.introductions = introductions;
        this.dialogues = dialogues;
    }

    /// Products taken from each category's file.
    public int productsPerCategory() {
        return productsPerCategory;
    }

    /// Of those, how many are kept out of all training data.
    public int newPerCategory() {
        return newPerCategory;
    }

    /// Facts asked of each product.
    public int askedAttributes() {
        return askedAttributes;
    }

    /// Prose introductions per known product in the corpus, beside its parameter list and its plain statements.
    public int introductions() {
        return introductions;
    }

    /// Dialogue logs per known product in the corpus.
    public int dialogues() {
        return dialogues;
    }
}
