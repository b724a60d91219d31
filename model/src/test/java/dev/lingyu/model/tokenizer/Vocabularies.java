package dev.lingyu.model.tokenizer;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/// Small tokenizer directories that the tests make themselves.
final class Vocabularies {

    static final List<String> SENTENCES = List.of(
            "这款手机支持七天无理由退货吗？",
            "支持的，签收后七天内可以无理由退货，请保持商品完好。",
            "您好，请问这件衣服的尺码怎么选？",
            "您好，请提供身高和体重，我帮您推荐尺码。",
            "发票什么时候可以开？发票会随商品一起寄出。",
            "The order was shipped yesterday, and it will arrive in 3 days.",
            "Please keep the receipt; you can return it within 7 days.",
            "退货、换货和发票都可以在订单页面申请。😀👍");

    private Vocabularies() {}

    /// A byte-level vocabulary learned from [#SENTENCES].
    static Path byteLevel(Path directory, BpeSettings settings) {
        BpeTrainer trainer = new BpeTrainer(settings);
        SENTENCES.forEach(trainer::add);
        trainer.train(size -> {}).save(directory);
        return directory;
    }

    /// A vocabulary of LLaMA's kind: `▁` for spaces, byte tokens for what has no token, `<s>` put
    /// in front.
    static Path byteFallback(Path directory) throws IOException {
        ObjectNode root = TokenizerFile.JSON.createObjectNode().put("version", "1.0");
        ArrayNode added = root.putArray("added_tokens");
        ObjectNode model = TokenizerFile.JSON
                .createObjectNode()
                .put("type", "BPE")
                .put("unk_token", "<unk>")
                .put("fuse_unk", true)
                .put("byte_fallback", true);
        ObjectNode vocabulary = model.putObject("vocab");
        for (String special : List.of("<unk>", "<s>", "</s>")) {
            added.addObject()
                    .put("id", vocabulary.size())
                    .put("content", special)
                    .put("single_word", false)
                    .put("lstrip", false)
                    .put("rstrip", false)
                    .put("normalized", false)
                    .put("special", true);
            vocabulary.put(special, vocabulary.size());
        }
        for (int value = 0; value < 256; value++) {
            vocabulary.put("<0x%02X>".formatted(value), vocabulary.size());
        }
        for (String letter : "▁ a b c d e h i l n o r s t w 你 好 的 我 是 ▁a ▁th ▁the he an".split(" ")) {
            if (!vocabulary.has(letter)) {
                vocabulary.put(letter, vocabulary.size());
            }
        }
        vocabulary.put("th", vocabulary.size());
        model.putArray("merges")
                .add("t h")
                .add("▁ th")
                .add("▁th e")
                .add("▁ a")
                .add("h e")
                .add("a n");
        root.set("model", model);
        root.set("normalizer", TokenizerFile.JSON.readTree("""
                        {"type":"Sequence","normalizers":[{"type":"Prepend","prepend":"▁"},
                        {"type":"Replace","pattern":{"String":" "},"content":"▁"}]}"""));
        root.putNull("pre_tokenizer");
        root.set("post_processor", TokenizerFile.JSON.readTree("""
                        {"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"<s>","type_id":0}},
                        {"Sequence":{"id":"A","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},
                        {"Sequence":{"id":"B","type_id":1}}],
                        "special_tokens":{"<s>":{"id":"<s>","ids":[1],"tokens":["<s>"]}}}"""));
        root.set("decoder", TokenizerFile.JSON.readTree("""
                        {"type":"Sequence","decoders":[{"type":"Replace","pattern":{"String":"▁"},"content":" "},
                        {"type":"ByteFallback"},{"type":"Fuse"},{"type":"Strip","content":" ","start":1,"stop":0}]}"""));
        Files.createDirectories(directory);
        Files.write(directory.resolve(Tokenizer.FILE_NAME), TokenizerFile.JSON.writeValueAsBytes(root));
        return directory;
    }

    /// A vocabulary of BERT's kind: `[CLS]` in front, `[SEP]` behind.
    static Path wordPiece(Path directory) throws IOException {
        return write(directory, """
                {"version":"1.0","truncation":null,"padding":null,"added_tokens":[
                {"id":0,"content":"[UNK]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
                {"id":1,"content":"[CLS]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
                {"id":2,"content":"[SEP]","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
                "normalizer":{"type":"BertNormalizer","clean_text":true,"handle_chinese_chars":true,"strip_accents":null,"lowercase":true},
                "pre_tokenizer":{"type":"BertPreTokenizer"},
                "post_processor":{"type":"TemplateProcessing","single":[{"SpecialToken":{"id":"[CLS]","type_id":0}},
                {"Sequence":{"id":"A","type_id":0}},{"SpecialToken":{"id":"[SEP]","type_id":0}}],
                "pair":[{"SpecialToken":{"id":"[CLS]","type_id":0}},{"Sequence":{"id":"A","type_id":0}},
                {"SpecialToken":{"id":"[SEP]","type_id":0}},{"Sequence":{"id":"B","type_id":1}}],
                "special_tokens":{"[CLS]":{"id":"[CLS]","ids":[1],"tokens":["[CLS]"]},
                "[SEP]":{"id":"[SEP]","ids":[2],"tokens":["[SEP]"]}}},
                "decoder":{"type":"WordPiece","prefix":"##","cleanup":true},
                "model":{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"##","max_input_chars_per_word":100,
                "vocab":{"[UNK]":0,"[CLS]":1,"[SEP]":2,"the":3,"a":4,"##b":5,"您":6,"好":7,"<":8,"/":9,"s":10,">":11,".":12}}}
                """);
    }

    /// A vocabulary of T5's kind: scores instead of merges.
    static Path unigram(Path directory) throws IOException {
        return write(directory, """
                {"version":"1.0","truncation":null,"padding":null,"added_tokens":[
                {"id":0,"content":"<unk>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true},
                {"id":1,"content":"</s>","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}],
                "normalizer":{"type":"NFKC"},
                "pre_tokenizer":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
                "post_processor":{"type":"TemplateProcessing","single":[{"Sequence":{"id":"A","type_id":0}},
                {"SpecialToken":{"id":"</s>","type_id":0}}],"pair":[{"Sequence":{"id":"A","type_id":0}},
                {"Sequence":{"id":"B","type_id":0}}],
                "special_tokens":{"</s>":{"id":"</s>","ids":[1],"tokens":["</s>"]}}},
                "decoder":{"type":"Metaspace","replacement":"▁","prepend_scheme":"always","split":true},
                "model":{"type":"Unigram","unk_id":0,
                "vocab":[["<unk>",0.0],["</s>",0.0],["▁",-2.0],["the",-3.5],["▁the",-3.0],["您",-4.0],["好",-4.0],["a",-5.0],["b",-5.5]],
                "byte_fallback":false}}
                """);
    }

    private static Path write(Path directory, String json) throws IOException {
        Files.createDirectories(directory);
        Files.writeString(directory.resolve(Tokenizer.FILE_NAME), json);
        return directory;
    }
}
