package dev.lingyu.model.adapter;

import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.regex.PatternSyntaxException;

/// Which linear layers an adapter changes, chosen by module name as PEFT chooses them.
///
/// @param selection     `target_modules`
/// @param exclude       `exclude_modules`, which wins
/// @param layers        `layers_to_transform`: block numbers; empty for all. Does not limit a regular
///                      expression
/// @param layerPatterns `layers_pattern`: what a list of blocks is called, such as `layers` or `h`; empty
///                      for any
public record TargetModules(
        Selection selection, Optional<Selection> exclude, List<Integer> layers, List<String> layerPatterns) {
    private static final Pattern FIRST_NUMBER = Pattern.compile(".*?\\.[^.]*\\.(\\d+)\\..*");

    /// A way to name modules.
    public sealed interface Selection {
        /// Whether a module is meant.
        ///
        /// @param module its full name, such as `model.layers.0.self_attn.q_proj`
        boolean selects(String module);
    }

    /// Full names, or their ends after a dot: `q_proj` is the one of every block.
    ///
    /// @param names not empty
    public record Names(List<String> names) implements Selection {
        @Override
        public boolean selects(String module) {
            return names.stream().anyMatch(name -> module.equals(name) || module.endsWith("." + name));
        }
    }

    /// A regular expression for the whole name.
    ///
    /// @param regex as Python's `re` reads it; what both languages understand alike is what occurs
    public record Regex(String regex) implements Selection {
        public Regex {
            compile(regex);
        }

        @Override
        public boolean selects(String module) {
            return compile(regex).matcher(module).matches();
        }
    }

    /// Every linear layer of every block; never the output head.
    public record AllLinear() implements Selection {
        @Override
        public boolean selects(String module) {
            return true;
        }
    }

    /// All of a selection.
    public static TargetModules of(Selection selection) {
        return new TargetModules(selection, Optional.empty(), List.of(), List.of());
    }

    /// Whether a linear layer is to be adapted.
    ///
    /// @param module its full name
    /// @param head   whether it is the output head
    /// @param whole  `modules_to_save`: what is trained as a whole gets no adapter
    public boolean selects(String module, boolean head, List<String> whole) {
        if (exclude.filter(e -> e.selects(module)).isPresent()
                || whole.stream().anyMatch(name -> isInside(module, name))
                || !selection.selects(module)
                || head && selection instanceof AllLinear) {
            return false;
        }
        boolean limited = !layers.isEmpty()
                && !(selection instanceof Regex)
                && !(selection instanceof Names(List<String> names) && names.contains(module));
        return !limited || blockOf(module).filter(layers::contains).isPresent();
    }

    private static boolean isInside(String module, String part) {
        return module.equals(part)
                || module.endsWith("." + part)
                || module.startsWith(part + ".")
                || module.contains("." + part + ".");
    }

    private Optional<Integer> blockOf(String module) {
        if (layerPatterns.isEmpty()) {
            return number(FIRST_NUMBER, module);
        }
        return layerPatterns.stream()
                .map(name -> number(compile("(?:.*?\\.)?" + name + "\\.(\\d+)\\..*"), module))
                .flatMap(Optional::stream)
                .findFirst();
    }

    private static Optional<Integer> number(Pattern pattern, String module) {
        Matcher matcher = pattern.matcher(module);
        return matcher.matches() ? Optional.of(Integer.parseInt(matcher.group(1))) : Optional.empty();
    }

    /// @throws AdapterException when it is no regular expression
    static Pattern compile(String regex) {
        try {
            return Pattern.compile(regex);
        } catch (PatternSyntaxException e) {
            throw new AdapterException(
                    "The regular expression \"" + regex + "\" for module names is wrong: " + e.getDescription()
                            + " at character " + (e.getIndex() + 1) + ".",
                    e);
        }
    }
}
