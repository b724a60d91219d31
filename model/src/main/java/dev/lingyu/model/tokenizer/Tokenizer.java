package dev.lingyu.model.tokenizer;

import ai.djl.huggingface.tokenizers.jni.CharSpan;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/// The tokenizer of a model directory: text to ids and back, exactly as the library that trained
/// the model does it.
///
/// ```java
/// try (Tokenizer tokenizer = Tokenizer.open(modelDirectory)) {
///     int[] ids = tokenizer.encode("这款手机支持七天无理由退货吗？");
///     String text = tokenizer.decode(ids, true);
/// }
/// ```
///
/// Nothing is ever truncated or padded here, whatever `tokenizer.json` asks for: rooms that cut say
/// so themselves. A lone surrogate in a text counts as U+FFFD. All methods may be called from many
/// threads at once; after [#close()] those that encode or decode throw [IllegalStateException].
public final class Tokenizer implements AutoCloseable {

    /// The file that defines a tokenizer.
    public static final String FILE_NAME = "tokenizer.json";

    /// Everything that travels with a tokenizer from checkpoint to checkpoint.
    private static final List<String> FILES = List.of(
            FILE_NAME,
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "vocab.txt",
            "merges.txt",
            "tokenizer.model",
            "chat_template.jinja",
            "chat_template.json");

    private final TokenizerFiles files;
    private final String digest;
    private final TokenizerFile file;
    private final SpecialTokens specialTokens;
    private final NativeTokenizer tokenizer;
    private final Supplier<StreamDecoder> streamsWithSpecial;
    private final Supplier<StreamDecoder> streamsWithoutSpecial;
    private @Nullable NativeTokenizer plain;
    private boolean closed;

    private Tokenizer(
            TokenizerFiles files,
            String digest,
            TokenizerFile file,
            SpecialTokens specialTokens,
            NativeTokenizer tokenizer) {
        this.files = files;
        this.digest = digest;
        this.file = file;
        this.specialTokens = specialTokens;
        this.tokenizer = tokenizer;
        WindowStream.Whole whole = ids -> tokenizer.decode(unsigned(ids), false);
        this.streamsWithSpecial = TextPieces.of(file, false, whole);
        this.streamsWithoutSpecial = TextPieces.of(file, true, whole);
    }

    /// Opens the tokenizer of a Hugging Face directory.
    ///
    /// @param modelDirectory holds `tokenizer.json`; beside it may lie `tokenizer_config.json`,
    ///     `special_tokens_map.json`, `generation_config.json` and `config.json`, which name the
    ///     special tokens
    /// @throws TokenizerException when `tokenizer.json` is missing, or one of the files is damaged
    public static Tokenizer open(Path modelDirectory) {
        return open(new TokenizerFiles.InDirectory(modelDirectory));
    }

    /// Makes a tokenizer from the files of a Hugging Face directory that are in memory.
    ///
    /// @param documents by file name, `tokenizer.json` among them
    /// @param where what they were made from, for messages
    /// @throws TokenizerException when one of them is damaged
    public static Tokenizer of(Map<String, byte[]> documents, String where) {
        return open(new TokenizerFiles.InMemory(Map.copyOf(documents), where));
    }

    private static Tokenizer open(TokenizerFiles files) {
        String where = files.nameOf(FILE_NAME);
        byte[] json = definition(files);
        TokenizerFile file = TokenizerFile.parse(json, where);
        SpecialTokens specialTokens = SpecialTokens.read(files, file);
        NativeTokenizer tokenizer = NativeTokenizer.create(new String(json, StandardCharsets.UTF_8), where);
        return new Tokenizer(files, sha256(json), file, specialTokens, tokenizer);
    }

    /// Encodes a text as it stands: no token is put before or behind it, but added tokens that
    /// occur in it (`<|im_end|>`) become their one id.
    ///
    /// @return ids `[tokens]`
    public int[] encode(String text) {
        return tokenizer.encode(text, false);
    }

    /// Encodes a text with the tokens that the model expects around it, as the tokenizer's
    /// post-processor says: LLaMA's `<s>` in front, BERT's `[CLS]` and `[SEP]`, nothing for BLOOM.
    ///
    /// @return ids `[tokens]`
    public int[] encodeWithSpecialTokens(String text) {
        return tokenizer.encode(text, true);
    }

    /// Encodes two texts as one row, as cross-encoders read them.
    ///
    /// @return ids and token types `[tokens]`
    public PairEncoding encodePairWithSpecialTokens(String first, String second) {
        return tokenizer.encodePair(first, second);
    }

    /// Encodes foreign text in which special tokens mean nothing: a user who types `<|im_end|>`
    /// gets the letters, not the end of the turn. Added tokens that are not special are still
    /// recognised.
    ///
    /// The native library can't switch this per call, so the first use builds a second tokenizer
    /// without the special tokens (as long and as large as opening the first), kept until
    /// [#close()].
    ///
    /// @return ids `[tokens]`; equal to [#encode] for text that spells no special token
    public int[] encodePlain(String text) {
        return plain().encode(text, false);
    }

    /// Encodes like [#encode] and says where each token lies in the text, in UTF-16 units.
    public Encoding encodeWithOffsets(String text) {
        return withOffsets(tokenizer.encodeWithSpans(text), text);
    }

    /// Encodes like [#encodePlain] and says where each token lies in the text, in UTF-16 units.
    public Encoding encodePlainWithOffsets(String text) {
        return withOffsets(plain().encodeWithSpans(text), text);
    }

    private static Encoding withOffsets(NativeTokenizer.Spans encoded, String text) {
        int[] unitOfCodePoint = unitsOfCodePoints(text);
        int tokens = encoded.ids().length;
        int[] starts = new int[tokens];
        int[] ends = new int[tokens];
        int last = 0;
        for (int i = 0; i < tokens; i++) {
            CharSpan span = encoded.spans()[i];
            starts[i] = span == null ? last : unitOfCodePoint[span.getStart()];
            ends[i] = span == null ? last : unitOfCodePoint[span.getEnd()];
            last = ends[i];
        }
        return new Encoding(encoded.ids(), starts, ends);
    }

    /// The ids of a text, word by word: no token crosses from one word to the next.
    List<List<Integer>> words(String text) {
        NativeTokenizer.Words encoded = tokenizer.encodeWithWords(text);
        List<List<Integer>> words = new ArrayList<>();
        long last = -1;
        for (int i = 0; i < encoded.ids().length; i++) {
            if (words.isEmpty() || encoded.words()[i] != last) {
                words.add(new ArrayList<>());
                last = encoded.words()[i];
            }
            words.getLast().add(encoded.ids()[i]);
        }
        return words;
    }

    /// Turns ids into text; ids that the vocabulary does not have add nothing, broken UTF-8 becomes
    /// U+FFFD.
    ///
    /// @param ids `[tokens]`
    /// @param skipSpecialTokens leave out special tokens such as `</s>`
    public String decode(int[] ids, boolean skipSpecialTokens) {
        return tokenizer.decode(unsigned(ids), skipSpecialTokens);
    }

    /// A decoder for ids that arrive one by one.
    ///
    /// @param skipSpecialTokens leave out special tokens such as `</s>`
    public StreamDecoder streamDecoder(boolean skipSpecialTokens) {
        return (skipSpecialTokens ? streamsWithoutSpecial : streamsWithSpecial).get();
    }

    /// The highest id + 1, added tokens included; a model's embedding may be larger (padded), never
    /// smaller.
    public int vocabularySize() {
        return file.vocabularySize();
    }

    /// The token that begins a text, if the model has one.
    public OptionalInt bosTokenId() {
        return specialTokens.bos();
    }

    /// The tokenizer's own end-of-text token, if there is one: the first of [#eosTokenIds()].
    public OptionalInt eosTokenId() {
        return specialTokens.eos().isEmpty()
                ? OptionalInt.empty()
                : OptionalInt.of(specialTokens.eos().getFirst());
    }

    /// All tokens at which generation stops: the tokenizer's own, then those that only
    /// `generation_config.json` names.
    public List<Integer> eosTokenIds() {
        return specialTokens.eos();
    }

    /// The token that fills rows of a batch, if the model has one.
    public OptionalInt padTokenId() {
        return specialTokens.pad();
    }

    /// The token that stands for what the vocabulary can't spell, if the model has one.
    public OptionalInt unkTokenId() {
        return specialTokens.unk();
    }

    /// The token of an id as the vocabulary spells it (byte-level vocabularies write `Ġ` for a
    /// space).
    ///
    /// @return empty when the vocabulary has no such id
    public Optional<String> token(int id) {
        return file.token(id);
    }

    /// The id of a token as the vocabulary spells it.
    ///
    /// @return empty when the vocabulary has no such token
    public OptionalInt id(String token) {
        return file.id(token);
    }

    /// Whether `decode` leaves this id out when special tokens are skipped.
    public boolean isSpecial(int id) {
        return file.isSpecial(id);
    }

    /// The special tokens as they are written (`<|im_end|>`), in the order of their ids.
    public List<String> specialTokens() {
        return file.specialTokens();
    }

    /// The content of `tokenizer.json`.
    ///
    /// @throws TokenizerException when the file changed since it was opened
    public byte[] definition() {
        byte[] json = definition(files);
        if (!sha256(json).equals(digest)) {
            throw new TokenizerException(
                    "%s changed since this program read it, so it no longer fits the ids in use; start again with the file you mean."
                            .formatted(files.nameOf(FILE_NAME)));
        }
        return json;
    }

    /// SHA-256 of `tokenizer.json`, in lower-case hexadecimal.
    public String digest() {
        return digest;
    }

    /// Writes the tokenizer's files and chat template, byte for byte, into another directory, which
    /// is made if missing; files that are not there are not made.
    ///
    /// @throws TokenizerException when `tokenizer.json` changed since it was opened, or a file
    ///     can't be copied
    public void save(Path target) {
        definition();
        try {
            files.copyTo(target, FILES);
        } catch (IOException e) {
            throw new TokenizerException(
                    "%s can't be copied to %s: %s.".formatted(files.nameOf(FILE_NAME), target, e.getMessage()), e);
        }
    }

    @Override
    public void close() {
        synchronized (this) {
            closed = true;
            if (plain != null) {
                plain.close();
            }
        }
        tokenizer.close();
    }

    private synchronized NativeTokenizer plain() {
        if (plain == null) {
            if (closed) {
                throw new IllegalStateException("This tokenizer was closed; open the model directory again.");
            }
            byte[] json = definition();
            String where = files.nameOf(FILE_NAME);
            plain = NativeTokenizer.create(TokenizerFile.withoutSpecialTokens(json), where);
        }
        return plain;
    }

    /// The library takes ids as unsigned, so a negative one is just unknown to it.
    private static long[] unsigned(int[] ids) {
        long[] longs = new long[ids.length];
        for (int i = 0; i < ids.length; i++) {
            longs[i] = Integer.toUnsignedLong(ids[i]);
        }
        return longs;
    }

    /// For each code point of the text, and for its end, the UTF-16 unit where it begins.
    private static int[] unitsOfCodePoints(String text) {
        int[] units = new int[text.length() + 1];
        int codePoints = 0;
        int unit = 0;
        while (unit < text.length()) {
            units[codePoints++] = unit;
            unit += Character.charCount(text.codePointAt(unit));
        }
        units[codePoints] = unit;
        return units;
    }

    private static byte[] definition(TokenizerFiles files) {
        return files.read(FILE_NAME)
                .orElseThrow(() -> new TokenizerException(
                        "%s does not exist, so this directory has no tokenizer; name a Hugging Face model directory that holds one."
                                .formatted(files.nameOf(FILE_NAME))));
    }

    private static String sha256(byte[] bytes) {
        try {
            return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
        } catch (NoSuchAlgorithmException e) {
            throw new UncheckedIOException(new IOException("This JDK has no SHA-256.", e));
        }
    }
}
