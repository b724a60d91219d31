package dev.lingyu.data.sample;

import java.math.BigDecimal;
import java.text.Normalizer;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/// A number or range with its unit, in the base unit of its dimension: `2千瓦` is 2000 瓦, `1年` is 12 个月.
///
/// @param dimension the base unit's name
/// @param low       lower end in base units
/// @param high      upper end in base units; equals `low` for a single number
record Quantity(String dimension, BigDecimal low, BigDecimal high) {

    /// A quantity and where it stood in the normalised text.
    record Found(Quantity quantity, int start, int end) {}

    /// Cubic metres without a time: right for either airflow unit, so the reader takes the key's.
    static final String CUBIC_METRES = "立方米";

    private record Unit(String dimension, BigDecimal factor) {}

    private static final Map<String, Unit> UNITS = units();
    /// Possessive, as all runs here are bounded or possessive: a model that repeats itself must not cost quadratic
    /// time.
    private static final String NUMBER = "[0-9]++(?:\\.[0-9]++)?+";
    /// A Chinese number; 百, 千 and 万 don't begin one, so that 千瓦 stays a unit.
    private static final String NUMERAL = "(?:[零〇一二两三四五六七八九十][零〇一二两三四五六七八九十百千万]{0,11})";
    private static final Pattern QUANTITY = quantityPattern();
    private static final Pattern NUMERALS = Pattern.compile("(?<![0-9.零〇一二两三四五六七八九十百千万])(" + NUMERAL
            + ")(?:点([零一二三四五六七八九]{1,6}))?(?=\\s*(?:-|到|至)?\\s*(?:" + NUMERAL + "\\s*)?(?:" + unitAlternatives() + "))");
    private static final Pattern THOUSANDS = Pattern.compile("(?<=[0-9]),(?=[0-9]{3}(?![0-9]))");
    private static final Pattern CURRENCY = Pattern.compile("(?:¥|rmb|cny)\\s*(" + NUMBER + ")(?:\\s*元)?");
    private static final Pattern PER_TIME =
            Pattern.compile("每(分|小)(?:钟|时)([^0-9，。；]{0,6}?)(" + NUMBER + ")\\s*(?:立方米|m3)(?![/每])");

    /// The quantity that a whole text is, if it is one.
    static Optional<Quantity> parse(String text) {
        String normal = normalise(text);
        List<Found> found = in(normal);
        return found.size() == 1
                        && found.getFirst().start() == 0
                        && found.getFirst().end() == normal.length()
                ? Optional.of(found.getFirst().quantity())
                : Optional.empty();
    }

    /// All quantities in a normalised text, in order.
    static List<Found> in(String normalised) {
        List<Found> found = new ArrayList<>();
        Matcher matcher = QUANTITY.matcher(normalised);
        while (matcher.find()) {
            Unit unit = unit(matcher.group("unit"));
            BigDecimal low = number(matcher.group("low"), matcher.group("wan"), unit);
            String upper = matcher.group("high");
            BigDecimal high = upper == null ? low : number(upper, matcher.group("wan"), unit);
            found.add(new Found(new Quantity(unit.dimension(), low, high), matcher.start(), matcher.end()));
        }
        return found;
    }

    /// Half width, lower case, one kind of dash, Arabic numerals before units, no thousands separators, no
    /// currency sign.
    static String normalise(String text) {
        String half = Normalizer.normalize(text, Normalizer.Form.NFKC)
                .toLowerCase(Locale.ROOT)
                .replaceAll("[‐‑‒–—―−~∼〜]+", "-")
                .replaceAll("\\s+", " ")
                .strip();
        String arabic = THOUSANDS.matcher(numerals(half)).replaceAll("");
        String yuan = CURRENCY.matcher(arabic).replaceAll("$1元");
        return PER_TIME.matcher(yuan).replaceAll(m -> {
            String per = m.group(1).equals("分") ? "分" : "时";
            return Matcher.quoteReplacement(m.group(2) + m.group(3) + "立方米/" + per);
        });
    }

    boolean sameAs(Quantity other) {
        return dimension.equals(other.dimension) && low.compareTo(other.low) == 0 && high.compareTo(other.high) == 0;
    }

    private static BigDecimal number(String digits, @Nullable String wan, Unit unit) {
        BigDecimal value = new BigDecimal(digits).multiply(unit.factor());
        return wan == null ? value : value.multiply(BigDecimal.valueOf(10_000));
    }

    private static Unit unit(String name) {
        Unit unit = UNITS.get(name);
        if (unit == null) {
            throw new IllegalStateException("The unit pattern matched '" + name + "', which the unit table lacks.");
        }
        return unit;
    }

    private static String numerals(String text) {
        return NUMERALS.matcher(text).replaceAll(m -> {
            StringBuilder number = new StringBuilder().append(integer(m.group(1)));
            if (m.group(2) != null) {
                number.append('.');
                m.group(2).chars().forEach(c -> number.append(digit((char) c)));
            }
            return number.toString();
        });
    }

    private static long integer(String numeral) {
        boolean positional = numeral.chars().noneMatch(c -> "十百千万".indexOf(c) >= 0);
        long total = 0;
        long section = 0;
        long digit = 0;
        for (int i = 0; i < numeral.length(); i++) {
            char c = numeral.charAt(i);
            int power = "十百千".indexOf(c);
            if (positional) {
                digit = digit * 10 + digit(c);
            } else if (power >= 0) {
                section += Math.max(digit, digit == 0 && section == 0 ? 1 : digit) * (long) Math.pow(10, power + 1);
                digit = 0;
            } else if (c == '万') {
                total += Math.max(section + digit, 1) * 10_000;
                section = 0;
                digit = 0;
            } else {
                digit = digit(c);
            }
        }
        return total + section + digit;
    }

    private static int digit(char c) {
        return switch (c) {
            case '零', '〇' -> 0;
            case '两' -> 2;
            default -> "零一二三四五六七八九".indexOf(c);
        };
    }

    private static Pattern quantityPattern() {
        return Pattern.compile("(?<![0-9a-z.])(?<low>" + NUMBER + ")(?:\\s*(?:" + unitAlternatives()
                + ")?\\s*(?:-|到|至)\\s*(?<high>" + NUMBER + "))?\\s*(?<wan>万)?\\s*(?<unit>" + unitAlternatives() + ")");
    }

    /// Longest first, so that 平方米 is not read as 平; a Latin unit must not run on into a word.
    private static String unitAlternatives() {
        return String.join(
                "|",
                UNITS.keySet().stream()
                        .sorted(Comparator.comparingInt(String::length).reversed())
                        .map(unit -> Pattern.quote(unit)
                                + (Character.isLetter(unit.charAt(unit.length() - 1))
                                                && unit.charAt(unit.length() - 1) < 128
                                        ? "(?![a-z0-9])"
                                        : ""))
                        .toList());
    }

    private static Map<String, Unit> units() {
        Map<String, Unit> units = new LinkedHashMap<>();
        add(units, "升", "1", "升", "公升", "立升", "l");
        add(units, "升", "0.001", "毫升", "ml");
        add(units, "公斤", "1", "公斤", "千克", "kg");
        add(units, "公斤", "0.5", "斤");
        add(units, "元", "1", "元", "块钱", "块", "圆");
        add(units, "分贝", "1", "分贝", "db", "db(a)");
        add(units, "瓦", "1", "瓦特", "瓦", "w");
        add(units, "瓦", "1000", "千瓦", "kw");
        add(units, "平方米", "1", "平方米", "平米", "平方", "平", "m2");
        add(units, "立方米/时", "1", "立方米/时", "立方米/小时", "立方米每小时", "m3/h");
        add(units, "立方米/时", "60", "立方米/分", "立方米/分钟", "立方米每分钟", "m3/min");
        add(units, CUBIC_METRES, "1", "立方米", "立方", "m3");
        add(units, "帕", "1", "帕斯卡", "帕", "pa");
        add(units, "英寸", "1", "英寸", "寸", "吋", "\"");
        add(units, "赫兹", "1", "赫兹", "hz");
        add(units, "gb", "1", "gb", "g");
        add(units, "转/分", "1", "转/分", "转/分钟", "转每分钟", "转", "rpm", "r/min");
        add(units, "月", "1", "个月", "月");
        add(units, "月", "12", "年");
        add(units, "分钟", "1", "分钟", "min");
        add(units, "分钟", "60", "小时", "个小时", "钟头", "个钟头", "h");
        add(units, "分钟", "1440", "天", "日");
        add(units, "工作日", "1", "个工作日", "工作日");
        add(units, "毫安时", "1", "毫安时", "mah");
        add(units, "匹", "1", "匹", "p");
        add(units, "级", "1", "级");
        add(units, "毫米", "1", "毫米", "mm");
        add(units, "毫米", "10", "厘米", "cm");
        add(units, "期", "1", "期");
        add(units, "积分", "1", "积分", "个积分");
        add(units, "折", "1", "折");
        add(units, "%", "1", "%");
        return units;
    }

    private static void add(Map<String, Unit> units, String dimension, String factor, String... names) {
        for (String name : names) {
            units.put(name, new Unit(dimension, new BigDecimal(factor)));
        }
    }
}
