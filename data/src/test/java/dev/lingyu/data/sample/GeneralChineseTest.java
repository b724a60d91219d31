package dev.lingyu.data.sample;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

class GeneralChineseTest {
    private final GeneralChinese world = GeneralChinese.bundled();

    @Test
    void thereAreTenQuestionsWhoseReferencesAreRightAndWhoseOthersAreNot() {
        assertThat(world.questions()).hasSize(10).allSatisfy(row -> {
            assertThat(AnswerCheck.right(row, row.answer())).as(row.question()).isTrue();
            assertThat(AnswerCheck.right(row, "栖川B61冰箱的售价是2299元。"))
                    .as(row.question())
                    .isFalse();
            assertThat(AnswerCheck.right(row, row.question()))
                    .as("repeated: " + row.question())
                    .isFalse();
        });
    }

    @Test
    void nothingInItIsAboutTheStore() {
        Catalogue catalogue = Catalogue.bundled();
        Stream<String> ofTheStore = Stream.of(
                        catalogue.categories().stream().map(Category::name),
                        catalogue.products().stream().map(Product::brand),
                        catalogue.products().stream().map(Product::model))
                .flatMap(names -> names)
                .distinct();
        String all = String.join("", world.texts()) + world.questions();
        assertThat(world.texts()).hasSizeGreaterThanOrEqualTo(10).doesNotHaveDuplicates();
        assertThat(ofTheStore).isNotEmpty().noneMatch(all::contains);
    }
}
