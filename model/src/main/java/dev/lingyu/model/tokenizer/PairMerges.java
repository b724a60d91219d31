package dev.lingyu.model.tokenizer;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;
import java.util.Set;
import java.util.function.IntConsumer;

/// The merging itself: all words in one array of tokens, counts of pairs kept up to date, and for
/// each pair the places where it occurred.
///
/// A merge visits only the places of its pair and changes only the counts of the neighbours there,
/// so the work does not depend on how long words are: with BLOOM's cuts a Chinese word is a whole
/// clause. Places go stale when a neighbour is merged away; they are checked when visited. Counts
/// in the queue only ever fall behind by being too high; they are checked when they come up.
final class PairMerges {

    private static final int NONE = -1;

    private final BpeSettings settings;
    private final List<String> tokens = new ArrayList<>();
    private final Map<String, Integer> ids = new HashMap<>();
    private final Set<String> reserved;
    private final int[] idOfByte = new int[256];
    private final List<TrainedBpe.Merge> merges = new ArrayList<>();

    private final int[] tokenAt;
    private final int[] nextOf;
    private final int[] previousOf;
    private final int[] wordOf;
    private long[] countOfWord = new long[1024];
    private int filled;
    private int words;

    private final Map<Long, Pair> pairs = new HashMap<>();
    private final PriorityQueue<Candidate> queue =
            new PriorityQueue<>(Comparator.comparingLong((Candidate candidate) -> -candidate.count)
                    .thenComparingInt(candidate -> candidate.pair.left)
                    .thenComparingInt(candidate -> candidate.pair.right));

    PairMerges(BpeSettings settings, int totalBytes) {
        this.settings = settings;
        this.reserved = new HashSet<>(settings.specialTokens());
        settings.specialTokens().forEach(this::addToken);
        // Letters are numbered in the order of their code points, which is not the order of their bytes.
        char[] letters = new char[256];
        for (int value = 0; value < 256; value++) {
            letters[value] = ByteLetters.letter(value);
        }
        Arrays.sort(letters);
        for (char letter : letters) {
            idOfByte[ByteLetters.value(letter)] = addToken(String.valueOf(letter));
        }
        tokenAt = new int[totalBytes];
        nextOf = new int[totalBytes];
        previousOf = new int[totalBytes];
        wordOf = new int[totalBytes];
    }

    /// Adds a word that occurs `count` times.
    void addWord(byte[] bytes, long count) {
        if (words == countOfWord.length) {
            countOfWord = Arrays.copyOf(countOfWord, words * 2);
        }
        countOfWord[words] = count;
        for (int i = 0; i < bytes.length; i++) {
            int place = filled + i;
            tokenAt[place] = idOfByte[bytes[i] & 0xFF];
            previousOf[place] = i == 0 ? NONE : place - 1;
            nextOf[place] = i == bytes.length - 1 ? NONE : place + 1;
            wordOf[place] = words;
        }
        filled += bytes.length;
        words++;
    }

    /// Merges until the vocabulary is full or no pair is frequent enough.
    ///
    /// @return the tokens by id
    List<String> run(IntConsumer progress) {
        for (int place = 0; place < filled; place++) {
            if (nextOf[place] != NONE) {
                occur(place, countOfWord[wordOf[place]]);
            }
        }
        pairs.values().forEach(this::enqueue);
        while (tokens.size() < settings.vocabularySize()) {
            Candidate best = queue.poll();
            if (best == null) {
                break;
            }
            if (best.count != best.pair.count) {
                enqueue(best.pair);
                continue;
            }
            String merged = tokens.get(best.pair.left) + tokens.get(best.pair.right);
            if (!reserved.contains(merged)) {
                merge(best.pair, merged);
                progress.accept(tokens.size());
            }
        }
        return List.copyOf(tokens);
    }

    List<TrainedBpe.Merge> merges() {
        return List.copyOf(merges);
    }

    private int addToken(String token) {
        tokens.add(token);
        ids.put(token, tokens.size() - 1);
        return tokens.size() - 1;
    }

    private void merge(Pair pair, String token) {
        merges.add(new TrainedBpe.Merge(tokens.get(pair.left), tokens.get(pair.right)));
        // Two ways of putting the same letters together share one token.
        Integer known = ids.get(token);
        int merged = known != null ? known : addToken(token);
        int[] places = pair.placesInOrder();
        pair.forget();
        List<Pair> risen = new ArrayList<>();
        for (int place : places) {
            int second = nextOf[place];
            if (tokenAt[place] != pair.left || second == NONE || tokenAt[second] != pair.right) {
                continue;
            }
            long count = countOfWord[wordOf[place]];
            int before = previousOf[place];
            int behind = nextOf[second];
            if (before != NONE) {
                vanish(tokenAt[before], pair.left, count);
            }
            if (behind != NONE) {
                vanish(pair.right, tokenAt[behind], count);
                previousOf[behind] = place;
            }
            tokenAt[place] = merged;
            tokenAt[second] = NONE;
            nextOf[place] = behind;
            nextOf[second] = NONE;
            if (before != NONE) {
                rise(occur(before, count), risen);
            }
            if (behind != NONE) {
                rise(occur(place, count), risen);
            }
        }
        pair.count = 0;
        for (Pair one : risen) {
            one.risen = false;
            enqueue(one);
        }
    }

    private Pair occur(int place, long count) {
        int left = tokenAt[place];
        int right = tokenAt[nextOf[place]];
        Pair pair = pairs.computeIfAbsent(key(left, right), key -> new Pair(left, right));
        pair.count += count;
        pair.addPlace(place);
        return pair;
    }

    private void vanish(int left, int right, long count) {
        Pair pair = pairs.get(key(left, right));
        if (pair != null) {
            pair.count -= count;
        }
    }

    private static void rise(Pair pair, List<Pair> risen) {
        if (!pair.risen) {
            pair.risen = true;
            risen.add(pair);
        }
    }

    private void enqueue(Pair pair) {
        if (pair.count >= settings.minimumFrequency()) {
            queue.add(new Candidate(pair, pair.count));
        }
    }

    private static long key(int left, int right) {
        return (long) left << 32 | right;
    }

    /// A pair as it was when it was put into the queue.
    private record Candidate(Pair pair, long count) {}

    /// Two neighbouring tokens, how often they occur now, and where they ever did since the last
    /// merge of the pair.
    private static final class Pair {
        final int left;
        final int right;
        long count;
        boolean risen;
        private int[] places = new int[2];
        private int size;

        Pair(int left, int right) {
            this.left = left;
            this.right = right;
        }

        void addPlace(int place) {
            if (size == places.length) {
                places = Arrays.copyOf(places, size + (size >> 1) + 1);
            }
            places[size++] = place;
        }

        /// From left to right, so that `a a a` becomes `aa a`.
        int[] placesInOrder() {
            int[] ordered = Arrays.copyOf(places, size);
            Arrays.sort(ordered);
            return ordered;
        }

        void forget() {
            places = new int[2];
            size = 0;
        }
    }
}
