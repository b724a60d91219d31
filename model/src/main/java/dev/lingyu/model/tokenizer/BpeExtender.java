package dev.lingyu.model.tokenizer;

import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.regex.Pattern;

/// Teaches a BPE tokenizer words of a domain: it goes on merging where its training stopped, on texts of the
/// domain.
///
/// ```java
/// BpeExtender extender = BpeExtender.open(modelDirectory);
/// texts.forEach(extender::add);
/// BpeExtender.Extension extension = extender.extend(500, 5);
/// extension.tokenizer().save(target);
/// ```
///
/// Texts are cut into words and tokens by the tokenizer itself; the most frequent pair of neighbours within a
/// word becomes a token, again and again, and the merges go behind the old ones. So old tokens and their ids
/// stay, and text is cut as before except where a new word stands. Not for several threads.
public final class BpeExtender implements AutoCloseable {
    /// SentencePiece's sign for the space in front of a word.
    private static final char SPACE = '\u2581';

    private static final Pattern WORD = Pattern.compile(" ?[\\p{M}\\p{N}]*\\p{L}[\\p{L}\\p{M}\\p{N}]*");

    private final Tokenizer tokenizer;
    private final TokenizerEdit edit;
    private final Set<Integer> untouchable;
    private final Map<List<Integer>, long[]> words = new HashMap<>();
    private long characters;
    private long tokens;

    private BpeExtender(Tokenizer tokenizer, TokenizerEdit edit) {
        this.tokenizer = tokenizer;
        this.edit = edit;
        this.untouchable = new HashSet<>(edit.addedIds());
        tokenizer.unkTokenId().ifPresent(untouchable::add);
        for (int value = 0; value < 256; value++) {
            // Bytes of characters that the vocabulary lacks: joined they would no longer be read as bytes.
            tokenizer.id("<0x%02X>".formatted(value)).ifPresent(untouchable::add);
        }
    }

    /// What was learned.
    ///
    /// @param tokenizer   with the new tokens
    /// @param words       the new tokens as text, in the order of their ids; pieces of characters are left out
    /// @param parts       the old ids that each new id is made of
    /// @param characters  code points of the texts
    /// @param before      tokens of the texts before
    /// @param after       tokens of the texts now
    public record Extension(
            TokenizerEdit tokenizer,
            List<String> words,
            Map<Integer, int[]> parts,
            long characters,
            long before,
            long after) {}

    /// Reads the tokenizer of a directory.
    ///
    /// @throws TokenizerException when there is none, or it is no BPE
    public static BpeExtender open(Path directory) {
        TokenizerEdit edit = TokenizerEdit.of(directory);
        edit.bpe();
        return new BpeExtender(Tokenizer.open(directory), edit);
    }

    /// Counts the words of one text.
    public void add(String text) {
        characters += text.codePointCount(0, text.length());
        for (List<Integer> word : tokenizer.words(text)) {
            tokens += word.size();
            cut(word);
        }
    }

    /// Where the tokenizer itself knows no words, a space begins one.
    private void cut(List<Integer> word) {
        int from = 0;
        for (int at = 1; at <= word.size(); at++) {
            boolean begins =
                    at < word.size() && tokenizer.token(word.get(at)).orElse("").indexOf(SPACE) == 0;
            if (at == word.size() || begins) {
                List<Integer> piece = List.copyOf(word.subList(from, at));
                words.computeIfAbsent(piece, key -> new long[1])[0]++;
                from = at;
            }
        }
    }

    /// Finds the most frequent pairs of what was added so far.
    ///
    /// @param size             tokens to add at most
    /// @param minimumFrequency a pair that occurs less often is not merged
    public Extension extend(int size, long minimumFrequency) {
        Merging merging = new Merging();
        words.forEach((word, count) -> merging.add(word, count[0]));
        List<TrainedBpe.Merge> merges = new ArrayList<>();
        Map<Integer, int[]> parts = new HashMap<>();
        List<String> learned = new ArrayList<>();
        int first = edit.vocabularySize();
        long saved = 0;
        while (merges.size() < size) {
            Optional<Pair> best = merging.best(minimumFrequency);
            if (best.isEmpty()) {
                break;
            }
            Pair pair = best.get();
            String left = merging.text(pair.left());
            String right = merging.text(pair.right());
            if (!isWord(left + right)) {
                merging.ban(pair);
                continue;
            }
            int id = first + merges.size();
            saved += merging.merge(pair, id, left + right);
            merges.add(new TrainedBpe.Merge(left, right));
            parts.put(id, joined(parts, pair));
            text(left + right).ifPresent(learned::add);
        }
        edit.merge(merges);
        return new Extension(edit, learned, parts, characters, tokens, tokens - saved);
    }

    private static int[] joined(Map<Integer, int[]> parts, Pair pair) {
        int[] left = parts.getOrDefault(pair.left(), new int[] {pair.left()});
        int[] right = parts.getOrDefault(pair.right(), new int[] {pair.right()});
        int[] all = Arrays.copyOf(left, left.length + right.length);
        System.arraycopy(right, 0, all, left.length, right.length);
        return all;
    }

    /// Letters and digits, at least one letter, perhaps a space in front; a piece of a character may become one.
    private boolean isWord(String token) {
        Optional<String> text = text(token);
        return tokenizer.id(token).isEmpty()
                && (text.isEmpty() || WORD.matcher(text.get()).matches());
    }

    /// What a token spells; empty for a part of a character.
    private static Optional<String> text(String token) {
        byte[] bytes = new byte[token.length()];
        for (int i = 0; i < token.length(); i++) {
            int value = ByteLetters.value(token.charAt(i));
            if (value < 0) {
                // Not a byte-level vocabulary: tokens are text as they stand.
                return Optional.of(token.replace(SPACE, ' '));
            }
            bytes[i] = (byte) value;
        }
        String text = new String(bytes, StandardCharsets.UTF_8);
        return text.indexOf('\uFFFD') >= 0 ? Optional.empty() : Optional.of(text);
    }

    @Override
    public void close() {
        tokenizer.close();
    }

    private record Pair(int left, int right) {}

    /// Equally frequent pairs: lower ids first, so that the order of the texts makes no difference.
    private record Counted(Pair pair, long count) implements Comparable<Counted> {
        @Override
        public int compareTo(Counted other) {
            int byCount = Long.compare(other.count, count);
            if (byCount != 0) {
                return byCount;
            }
            int byLeft = Integer.compare(pair.left(), other.pair.left());
            return byLeft != 0 ? byLeft : Integer.compare(pair.right(), other.pair.right());
        }
    }

    /// Words as tokens, with the counts of neighbouring pairs kept up to date.
    private final class Merging {
        private final List<int[]> sequences = new ArrayList<>();
        private final List<Long> counts = new ArrayList<>();
        private final Map<Pair, Long> pairs = new HashMap<>();
        private final Map<Pair, Set<Integer>> places = new HashMap<>();
        private final PriorityQueue<Counted> queue = new PriorityQueue<>();
        private final Map<Integer, String> fresh = new HashMap<>();
        private final Set<Pair> banned = new HashSet<>();

        void add(Collection<Integer> word, long count) {
            int index = sequences.size();
            sequences.add(word.stream().mapToInt(i -> i).toArray());
            counts.add(count);
            change(index, 1);
        }

        String text(int id) {
            String own = fresh.get(id);
            return own != null ? own : tokenizer.token(id).orElse("");
        }

        void ban(Pair pair) {
            banned.add(pair);
        }

        Optional<Pair> best(long minimum) {
            while (!queue.isEmpty()) {
                Counted top = queue.remove();
                long now = pairs.getOrDefault(top.pair(), 0L);
                if (now < minimum || banned.contains(top.pair())) {
                    continue;
                }
                if (now == top.count()) {
                    return Optional.of(top.pair());
                }
                queue.add(new Counted(top.pair(), now));
            }
            return Optional.empty();
        }

        /// @return how many tokens fewer the texts have
        long merge(Pair pair, int id, String text) {
            fresh.put(id, text);
            long saved = 0;
            for (int index : List.copyOf(places.getOrDefault(pair, Set.of()))) {
                int[] old = sequences.get(index);
                change(index, -1);
                int[] merged = new int[old.length];
                int length = 0;
                for (int i = 0; i < old.length; i++) {
                    boolean here = i + 1 < old.length && old[i] == pair.left() && old[i + 1] == pair.right();
                    merged[length++] = here ? id : old[i];
                    i += here ? 1 : 0;
                }
                sequences.set(index, Arrays.copyOf(merged, length));
                saved += (old.length - length) * counts.get(index);
                change(index, 1);
            }
            return saved;
        }

        private void change(int index, int sign) {
            int[] word = sequences.get(index);
            long count = sign * counts.get(index);
            for (int i = 0; i + 1 < word.length; i++) {
                if (untouchable.contains(word[i]) || untouchable.contains(word[i + 1])) {
                    continue;
                }
                Pair pair = new Pair(word[i], word[i + 1]);
                long now = pairs.merge(pair, count, Long::sum);
                Set<Integer> where = places.computeIfAbsent(pair, key -> new HashSet<>());
                if (sign > 0) {
                    where.add(index);
                    queue.add(new Counted(pair, now));
                } else {
                    where.remove(index);
                }
            }
        }
    }
}
