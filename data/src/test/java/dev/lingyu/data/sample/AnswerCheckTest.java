package dev.lingyu.data.sample;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.data.sample.AnswerCheck.Verdict;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AnswerCheckTest {

    @ParameterizedTest
    @CsvSource(delimiter = '|', quoteCharacter = '\0', textBlock = """
                    8公斤           | 澜屿X16洗衣机的洗涤容量是8公斤。   | RIGHT
                    8公斤           | 它一次能洗 8 kg。                  | RIGHT
                    8公斤           | 一次能洗八公斤衣服                 | RIGHT
                    8公斤           | 容量是８ＫＧ                       | RIGHT
                    8公斤           | 容量是8千克，也就是16斤            | RIGHT
                    8公斤           | 容量是18公斤                       | CONTRADICTED
                    8公斤           | 容量是8.5公斤                      | CONTRADICTED
                    8公斤           | 容量是8公斤或者10公斤              | CONTRADICTED
                    8公斤           | 容量是8升                          | MISSING
                    8公斤           | 型号是X8，公斤数未知               | MISSING
                    18公斤          | 容量是8公斤                        | CONTRADICTED
                    10.5公斤        | 洗涤容量十点五公斤                 | RIGHT
                    450升           | 总容积 450L                        | RIGHT
                    450升           | 总容积450公升，售价4500元          | RIGHT
                    450升           | 总容积450                          | MISSING
                    450升           | 不是480升，是450升                 | RIGHT
                    450升           | 不是450升，是480升                 | CONTRADICTED
                    450升           | 并非450升                          | MISSING
                    2899元          | 售价￥2,899                        | RIGHT
                    2899元          | 售价２，８９９元                   | RIGHT
                    2899元          | 售价2899.00元                      | RIGHT
                    2899元          | 两千八百九十九块                   | RIGHT
                    2899元          | 售价12899元                        | CONTRADICTED
                    10000元         | 售价1万元                          | RIGHT
                    15000元         | 售价1.5万元                        | RIGHT
                    36分贝          | 噪音36dB(A)                        | RIGHT
                    36分贝          | 噪音36 db，很安静                  | RIGHT
                    2000瓦          | 额定功率2千瓦                      | RIGHT
                    2000瓦          | 额定功率2kW                        | RIGHT
                    2000瓦          | 额定功率200瓦                      | CONTRADICTED
                    10–15平方米     | 适合10-15㎡的房间                  | RIGHT
                    10–15平方米     | 适合10到15平米                     | RIGHT
                    10–15平方米     | 适合10平方米至15平方米             | RIGHT
                    10–15平方米     | 适合15平方米                       | CONTRADICTED
                    10–15平方米     | 适合10～16平方米                   | CONTRADICTED
                    22立方米/分     | 每分钟能排22立方米                 | RIGHT
                    22立方米/分     | 最大排风量22m³/min                 | RIGHT
                    22立方米/分     | 排风量是22立方米                   | RIGHT
                    22立方米/分     | 排风量是1320立方米/小时            | RIGHT
                    22立方米/分     | 排风量是22立方米/时                | CONTRADICTED
                    650立方米/时    | 每小时650立方米                    | RIGHT
                    1200转/分       | 最高1200转                         | RIGHT
                    144赫兹         | 刷新率144Hz                        | RIGHT
                    64GB            | 存储空间64g                        | RIGHT
                    64GB            | 存储空间4GB加64GB                  | CONTRADICTED
                    1.5匹           | 是1.5P的                           | RIGHT
                    1.5匹           | 是5匹的                            | CONTRADICTED
                    1年             | 保修12个月                         | RIGHT
                    2年             | 保修两年                           | RIGHT
                    7天             | 七天内可以退货                     | RIGHT
                    7天             | 17天内可以退货                     | CONTRADICTED
                    48小时          | 两天之内                           | RIGHT
                    3个工作日       | 三个工作日到账                     | RIGHT
                    一级            | 能效是1级                          | RIGHT
                    55英寸          | 屏幕55寸                           | RIGHT
                    95折            | 打95折                             | RIGHT
                    12期            | 分十二期                           | RIGHT
                    60分钟          | 一小时                             | RIGHT
                    1000瓦          | 以千瓦计                           | MISSING
                    23升            | 它是平板机型，容量二十三升         | RIGHT
                    40英寸          | 沐岑D40电视的屏幕是43英寸          | CONTRADICTED
                    """)
    void aQuantityIsComparedByValueAndUnit(String key, String answer, Verdict verdict) {
        assertThat(AnswerCheck.judge(key, List.of(), answer)).isEqualTo(verdict);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
                    白色   | 它是白色的              | RIGHT
                    白色   | 它是珍珠白色的          | CONTRADICTED
                    白色   | 它是珍珠白色和白色      | CONTRADICTED
                    白色   | 它是墨黑色的            | CONTRADICTED
                    白色   | 它很好看                | MISSING
                    白色   | 不是墨黑色，是白色      | RIGHT
                    白色   | 它不是白色的            | MISSING
                    白色   | 它是 白 色 的           | RIGHT
                    IPX4   | 防水等级ｉｐｘ４        | RIGHT
                    IPX4   | 防水等级IPX45           | MISSING
                    """)
    void aTextKeyIsMatchedWholeAndAgainstItsRivals(String key, String answer, Verdict verdict) {
        assertThat(AnswerCheck.judge(key, List.of("墨黑色", "珍珠白色"), answer)).isEqualTo(verdict);
    }

    @Test
    void aRivalThatIsDeniedDoesNotContradict() {
        assertThat(AnswerCheck.judge("免费", List.of("收费"), "基础安装免费，不收费。")).isEqualTo(Verdict.RIGHT);
        assertThat(AnswerCheck.judge("免费", List.of("收费"), "基础安装不免费。")).isEqualTo(Verdict.MISSING);
        assertThat(AnswerCheck.judge("免费", List.of("收费"), "基础安装收费。")).isEqualTo(Verdict.CONTRADICTED);
    }

    @Test
    @Timeout(60)
    void degenerateRepetitionIsJudgedInLinearTime() {
        for (String unit : List.of("一", "1", "1.", "1升-", "十点五", "每分钟", "2,", "千", " ", "1 - ", "不是")) {
            String answer = unit.repeat(20_000);
            assertThat(AnswerCheck.judge("450升", List.of(), answer)).as(unit).isNotEqualTo(Verdict.RIGHT);
            assertThat(AnswerCheck.judge("白色", List.of("墨黑色"), answer)).as(unit).isEqualTo(Verdict.MISSING);
        }
    }

    @Test
    void randomTextFromTheCheckersOwnAlphabetNeverThrows() {
        long seed = 42;
        Random random = new Random(seed);
        List<String> pieces = List.of(
                "一", "十", "百", "万", "点", "两", "1", "20", ".", ",", "-", "到", "升", "公斤", "kg", "kW", "每小时", "立方米", "/分",
                "￥", " ", "不是", "白色", "\"", "㎡", "\uD83D", "😀");
        for (int i = 0; i < 5_000; i++) {
            StringBuilder text = new StringBuilder();
            for (int j = random.nextInt(12); j >= 0; j--) {
                text.append(pieces.get(random.nextInt(pieces.size())));
            }
            assertThatCode(() -> {
                        AnswerCheck.judge("8公斤", List.of(), text.toString());
                        AnswerCheck.judge("白色", List.of("墨黑色"), text.toString());
                    })
                    .as("seed %d: %s", seed, text)
                    .doesNotThrowAnyException();
        }
    }

    @Test
    void anEmptyAnswerIsMissing() {
        assertThat(AnswerCheck.judge("8公斤", List.of(), "")).isEqualTo(Verdict.MISSING);
    }

    @Test
    void aBlankKeyIsRefusedWithAReason() {
        assertThatThrownBy(() -> AnswerCheck.judge(" ", List.of(), "8公斤"))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageContaining("key");
    }
}
