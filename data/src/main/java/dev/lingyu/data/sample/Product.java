package dev.lingyu.data.sample;

import java.util.Map;

/// A product of the store.
///
/// @param category its category
/// @param brand    an invented brand
/// @param model    model code, unique in the whole catalogue
/// @param values   attribute id → value with its unit, such as `480升`, in the order of the product file, price
///                 first
public record Product(Category category, String brand, String model, Map<String, String> values) {

    /// The name customers use: brand, model and category, such as `澜屿B48冰箱`.
    public String name() {
        return brand + model + category.name();
    }

    /// The value of an attribute that this product's category has.
    ///
    /// @throws IllegalArgumentException if the category has no such attribute
    public String value(Attribute attribute) {
        String value = values.get(attribute.id());
        if (value == null) {
            throw new IllegalArgumentException("Product " + name() + " has no attribute '" + attribute.id()
                    + "'; it has " + values.keySet() + ".");
        }
        return value;
    }

    /// A template with this product's name in place of `{p}` and the attribute's value in place of `{v}`.
    String fill(String template, Attribute attribute) {
        return template.replace("{p}", name()).replace("{v}", value(attribute));
    }
}
