package dev.lingyu.dataset;

import java.util.Locale;

/// Sentences that several row sources say.
final class Faults {
    static final String NOT_UTF8 =
            "the bytes are not valid UTF-8. If the file is GBK or GB18030, convert it: iconv -f GB18030 -t UTF-8";

    private Faults() {}

    static String tooLong(long limit) {
        String bound = limit >= 1 << 20
                ? String.format(Locale.ROOT, "%d MiB", limit >> 20)
                : String.format(Locale.ROOT, "%d bytes", limit);
        return "the row is longer than " + bound + ". Is it one row? If so, raise max_row_bytes";
    }
}
