package dev.lingyu.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static java.util.Map.entry;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.ArchConfiguration;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaPackage;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.NullMarked;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// Holds the table of docs/concepts/architecture.md: which room may use which, and the house rules a machine
/// can check.
class ArchitectureTest {

    /// The modules a module names as its own dependencies; it also reaches what those may use.
    private static final Map<String, List<String>> MAY_USE = Map.ofEntries(
            entry("tensor", List.of()),
            entry("dataset", List.of()),
            entry("model", List.of("tensor")),
            entry("client", List.of()),
            entry("engine", List.of("model")),
            entry("data", List.of("dataset", "client", "model", "engine", "train")),
            entry("train", List.of("dataset", "engine", "model")),
            entry("eval", List.of("dataset", "client", "engine")),
            entry("serve", List.of("dataset", "engine", "model")),
            entry("docqa", List.of("client")),
            entry(
                    "cli",
                    List.of(
                            "tensor", "dataset", "model", "client", "engine", "data", "train", "eval", "serve",
                            "docqa")));

    private static JavaClasses lingyu;

    @BeforeAll
    static void readTheClassesOfAllModules() {
        // Names are enough for foreign classes; reading libtorch's thousands would take a quarter of a minute.
        ArchConfiguration.get().setResolveMissingDependenciesFromClassPath(false);
        lingyu = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("dev.lingyu");
    }

    @Test
    void everyModuleIsInTheTableAndWasRead() {
        Set<String> found = new TreeSet<>();
        for (JavaPackage room : lingyu.getPackage("dev.lingyu").getSubpackages()) {
            found.add(room.getName().substring("dev.lingyu.".length()));
        }
        assertThat(found).containsExactlyInAnyOrderElementsOf(MAY_USE.keySet());
    }

    @Test
    void arrowsGoOneWay() {
        for (String module : MAY_USE.keySet()) {
            Set<String> reachable = new TreeSet<>();
            reach(module, reachable);
            for (String other : MAY_USE.keySet()) {
                if (!reachable.contains(other)) {
                    noClasses()
                            .that()
                            .resideInAPackage("dev.lingyu." + module + "..")
                            .should()
                            .dependOnClassesThat()
                            .resideInAPackage("dev.lingyu." + other + "..")
                            .because(module + " may use only " + MAY_USE.get(module))
                            .allowEmptyShould(true)
                            .check(lingyu);
                }
            }
        }
    }

    @Test
    void onlyTensorKnowsLibtorchAndTheVectorApi() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.lingyu.tensor..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.bytedeco..", "jdk.incubator.vector..")
                .because("everything else speaks Tensor")
                .check(lingyu);
    }

    @Test
    void packagesHaveNoCycles() {
        slices().matching("dev.lingyu.(**)").should().beFreeOfCycles().check(lingyu);
    }

    @Test
    void onlyTheMainClassEndsTheProgram() {
        noClasses()
                .that()
                .doNotHaveFullyQualifiedName(Main.class.getName())
                .should()
                .callMethod(System.class, "exit", int.class)
                .check(lingyu);
    }

    @Test
    void namesSayWhatAThingIs() {
        noClasses()
                .should()
                .haveNameMatching(".*(Utils?|Helpers?|Manager|Impl)$")
                .because("a name says what a thing is, and these say nothing")
                .check(lingyu);
    }

    @Test
    void everyPackageIsExplainedAndFreeOfNulls() {
        Set<String> unmarked = new TreeSet<>();
        lingyu.getPackage("dev.lingyu").getSubpackagesInTree().stream()
                .filter(room -> !room.getClasses().isEmpty())
                .filter(room -> !room.isAnnotatedWith(NullMarked.class))
                .forEach(room -> unmarked.add(room.getName()));
        assertThat(unmarked)
                .as("packages without a @NullMarked package-info.java")
                .isEmpty();
    }

    private static void reach(String module, Set<String> reachable) {
        if (reachable.add(module)) {
            MAY_USE.getOrDefault(module, List.of()).forEach(next -> reach(next, reachable));
        }
    }
}
