package dev.lingyu.train.report;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/// A line chart as SVG: values over steps, axes with round numbers, a legend.
final class CurveChart {
    private static final int WIDTH = 640;
    private static final int HEIGHT = 300;
    private static final int LEFT = 64;
    private static final int RIGHT = 16;
    private static final int TOP = 36;
    private static final int BOTTOM = 40;
    private static final int TICKS = 5;
    private static final List<String> COLOURS = List.of("#1f6feb", "#d1242f", "#1a7f37", "#9a6700");

    private final String title;
    private final List<Line> lines = new ArrayList<>();

    private record Line(String name, List<LogHistory.Point> points) {}

    CurveChart(String title) {
        this.title = title;
    }

    /// Adds a line; one without finite points is left out.
    CurveChart line(String name, List<LogHistory.Point> points) {
        List<LogHistory.Point> finite =
                points.stream().filter(p -> Double.isFinite(p.value())).toList();
        if (!finite.isEmpty()) {
            lines.add(new Line(name, finite));
        }
        return this;
    }

    boolean isEmpty() {
        return lines.isEmpty();
    }

    /// The chart as an `svg` element.
    String svg() {
        double maxStep = range(true, true);
        double minStep = range(true, false);
        double step = roundStep(range(false, true) - range(false, false), range(false, true));
        double bottom = Math.floor(range(false, false) / step) * step;
        double top = Math.max(bottom + step, Math.ceil(range(false, true) / step) * step);
        StringBuilder svg = new StringBuilder();
        svg.append(
                "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" role=\"img\" font-family=\"sans-serif\" "
                                .formatted(WIDTH, HEIGHT)
                        + "font-size=\"12\">\n<title>" + Html.escape(title) + "</title>\n");
        svg.append(text(LEFT, 18, "start", "600", title));
        for (double value = bottom; value <= top + step / 2; value += step) {
            double y = y(value, bottom, top);
            svg.append(String.format(
                    Locale.ROOT,
                    "<line x1=\"%d\" x2=\"%d\" y1=\"%.1f\" y2=\"%.1f\" stroke=\"#d0d7de\"/>%n",
                    LEFT,
                    WIDTH - RIGHT,
                    y,
                    y));
            svg.append(text(LEFT - 6, y + 4, "end", "400", number(value)));
        }
        for (int i = 0; i <= TICKS; i++) {
            double at = minStep + (maxStep - minStep) * i / TICKS;
            svg.append(text(x(at, minStep, maxStep), HEIGHT - BOTTOM + 18, "middle", "400", number(Math.rint(at))));
        }
        svg.append(text((LEFT + WIDTH - RIGHT) / 2.0, HEIGHT - 6, "middle", "400", "step"));
        for (int i = 0; i < lines.size(); i++) {
            Line line = lines.get(i);
            String colour = COLOURS.get(i % COLOURS.size());
            String points = line.points().stream()
                    .map(p -> String.format(
                            Locale.ROOT, "%.1f,%.1f", x(p.step(), minStep, maxStep), y(p.value(), bottom, top)))
                    .collect(Collectors.joining(" "));
            svg.append("<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"1.6\" points=\"%s\"/>%n"
                    .formatted(colour, points));
            if (line.points().size() == 1) {
                String[] xy = points.split(",");
                svg.append("<circle r=\"3\" fill=\"%s\" cx=\"%s\" cy=\"%s\"/>%n".formatted(colour, xy[0], xy[1]));
            }
            if (lines.size() > 1) {
                svg.append("<rect x=\"%d\" y=\"%d\" width=\"12\" height=\"3\" fill=\"%s\"/>%n"
                        .formatted(WIDTH - 150, 12 + 15 * i, colour));
                svg.append(text(WIDTH - 132, 17 + 15 * i, "start", "400", line.name()));
            }
        }
        return svg.append("</svg>\n").toString();
    }

    private double range(boolean steps, boolean max) {
        java.util.stream.DoubleStream values =
                lines.stream().flatMap(l -> l.points().stream()).mapToDouble(p -> steps ? p.step() : p.value());
        return (max ? values.max() : values.min()).orElse(0);
    }

    /// A grid step of 1, 2 or 5 times a power of ten that gives about five lines.
    private static double roundStep(double span, double magnitude) {
        double rough = (span > 0 ? span : Math.max(1e-9, Math.abs(magnitude))) / TICKS;
        double power = Math.pow(10, Math.floor(Math.log10(rough)));
        for (double factor : new double[] {1, 2, 5}) {
            if (rough <= factor * power) {
                return factor * power;
            }
        }
        return 10 * power;
    }

    private static double x(double step, double min, double max) {
        return LEFT + (max > min ? (step - min) / (max - min) : 0.5) * (WIDTH - LEFT - RIGHT);
    }

    private static double y(double value, double bottom, double top) {
        return HEIGHT - BOTTOM - (value - bottom) / (top - bottom) * (HEIGHT - TOP - BOTTOM);
    }

    private static String text(double x, double y, String anchor, String weight, String text) {
        return String.format(
                Locale.ROOT,
                "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" font-weight=\"%s\" fill=\"#1f2328\">%s</text>%n",
                x,
                y,
                anchor,
                weight,
                Html.escape(text));
    }

    /// Three significant digits, without needless zeros.
    private static String number(double value) {
        if (value == Math.rint(value) && Math.abs(value) < 1e6) {
            return Long.toString(Math.round(value));
        }
        double size = Math.abs(value);
        return size < 1e-3 || size >= 1e6
                ? String.format(Locale.ROOT, "%.1e", value)
                : String.format(Locale.ROOT, "%.3g", value);
    }
}
