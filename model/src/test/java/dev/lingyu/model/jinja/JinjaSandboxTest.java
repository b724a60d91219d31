package dev.lingyu.model.jinja;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.lingyu.model.jinja.TemplateException.Kind;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.statistics.Statistics;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Hostile templates end within bounds and in words.
class JinjaSandboxTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
                "{{ 'a' * 999999999 }}",
                "{% set n = namespace(s='aaaaaaaaaaaaaaaa') %}{% for i in range(99) %}{% set n.s = n.s + n.s %}{% endfor %}",
                "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = n.l + n.l %}{% endfor %}",
                "{% set n = namespace(l=[1]) %}{% for i in range(99) %}{% set n.l = [n.l, n.l] %}{% endfor %}{{ n.l }}",
                "{% set n = namespace(l=[1]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l }}",
                "{% set n = namespace(l=[1]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l|tojson }}",
                "{% set n = namespace(l=[1]) %}{% for i in range(9999) %}{% set n.l = [n.l] %}{% endfor %}{{ n.l == [n.l] }}",
                "{% set n = namespace() %}{% set n.n = n %}{{ n }}",
                "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
                "{{ 9 ** 99999 }}",
                "{% set n = namespace(x=9) %}{% for i in range(99) %}{% set n.x = n.x * n.x %}{% endfor %}",
                "{{ '%99999999d' % 1 }}{{ '{:>99999999}'.format(1) }}",
                "{{ ('a' * 4000000).replace('a', 'bbbbbbbbbb') }}"
            })
    void wastefulTemplatesHitALimit(String source) {
        assertThatThrownBy(() -> Template.parse("hostile", source).render(Map.of()))
                .isInstanceOfSatisfying(
                        TemplateException.class, e -> assertThat(e.kind()).isEqualTo(Kind.LIMIT));
    }

    @Test
    void deepTextIsRefusedWhenItIsRead() {
        for (String piece : List.of("(", "[", "{1:", "not ", "-", "a[", "f(", "1 if 1 else ")) {
            assertThatThrownBy(() -> Template.parse("deep", "{{ " + piece.repeat(100_000) + " }}"))
                    .as(piece)
                    .isInstanceOf(TemplateException.class);
        }
        assertThatThrownBy(() -> Template.parse("deep", "{% if 1 %}".repeat(100_000)))
                .isInstanceOf(TemplateException.class);
        for (String piece : List.of(".a", "|string", "()", " + 1", " ~ 1", " and 1", " == 1")) {
            Template long_ = Template.parse("long", "{{ 1" + piece.repeat(20_000) + " }}");
            assertThat(outcome(long_)).as(piece).isNotNull();
        }
    }

    @Test
    void aFailureNamesTemplateLineAndReason() {
        Template template = Template.parse("mine", "a\n{% if true %}\n  {{ nothing.at.all }}\n{% endif %}");
        assertThatThrownBy(() -> template.render(Map.of()))
                .hasMessage("chat template mine, line 3: 'nothing' is undefined");
        assertThatThrownBy(() -> Template.parse("mine", "a\n\n{% endfor %}"))
                .hasMessage("chat template mine, line 3: encountered unknown tag 'endfor'");
    }

    @Test
    void aRefusalOfTheTemplateKeepsItsWords() {
        Template template = Template.parse("mine", "{{ raise_exception('Roles must alternate!') }}");
        assertThatThrownBy(() -> template.render(Map.of())).isInstanceOfSatisfying(TemplateException.class, e -> {
            assertThat(e.kind()).isEqualTo(Kind.RAISED);
            assertThat(e.reason()).isEqualTo("Roles must alternate!");
        });
    }

    @Test
    void theInputStaysAsItWas() {
        List<Object> list = new ArrayList<>(List.of(1, 2));
        assertThatThrownBy(() -> Template.parse("t", "{{ list.append(3) }}").render(Map.of("list", list)))
                .hasMessageContaining("can't change its input");
        assertThat(list).containsExactly(1, 2);
    }

    @Test
    void theClockIsTheCallers() {
        Clock clock = Clock.fixed(Instant.parse("2026-03-05T07:08:09Z"), ZoneOffset.UTC);
        String text = Template.parse("t", "{{ strftime_now('%d %b %Y, %-d %B %y %H:%M:%S %A %j %%') }}")
                .render(Map.of(), clock)
                .text();
        assertThat(text).isEqualTo("05 Mar 2026, 5 March 26 07:08:09 Thursday 064 %");
    }

    @Property(tries = 3000)
    void noTemplateCausesMoreThanATemplateException(@ForAll("templates") String source) {
        long start = System.nanoTime();
        try {
            Template template = Template.parse("fuzz", source);
            assertThat(outcome(template)).isNotNull();
            Statistics.label("templates").collect("parsed");
        } catch (TemplateException e) {
            Statistics.label("templates").collect("refused");
            assertThat(e.getMessage()).startsWith("chat template fuzz, line ");
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(30));
    }

    private static String outcome(Template template) {
        try {
            return template.render(Map.of(
                            "a", List.of(1, "x", Map.of("k", 2.5)), "s", "text 文 😀", "n", 3, "d", Map.of("k", "v")))
                    .text();
        } catch (TemplateException e) {
            return e.reason();
        }
    }

    @Provide
    Arbitrary<String> templates() {
        Arbitrary<String> pieces = Arbitraries.of(
                "{{ ",
                " }}",
                "{% ",
                " %}",
                "{%- ",
                " -%}",
                "{# ",
                " #}",
                "for x in a",
                "endfor",
                "if n",
                "else",
                "elif s",
                "endif",
                "set q = ",
                "set q",
                "endset",
                "macro m(x, y=1)",
                "endmacro",
                "m(",
                "namespace(z=1)",
                "q.z",
                "a",
                "s",
                "n",
                "d",
                "x",
                "loop.index",
                "loop",
                "'",
                "\"",
                "'t'",
                "1",
                "2.5",
                "-",
                "+",
                "*",
                "**",
                "//",
                "/",
                "%",
                "~",
                "(",
                ")",
                "[",
                "]",
                "{",
                "}",
                ":",
                ",",
                ".",
                ".k",
                "|",
                "|map('string')",
                "|tojson(indent=1)",
                "|list",
                "|join",
                "|sort",
                "|length",
                "|int",
                "|round",
                "|replace(",
                "|default(1)",
                "|dictsort",
                "|batch(2)",
                "|indent(",
                " is ",
                "defined",
                "string",
                " not ",
                " in ",
                " and ",
                " or ",
                " if ",
                " else ",
                "==",
                "<",
                "raw",
                "endraw",
                "generation",
                "endgeneration",
                "break",
                "continue",
                "range(",
                "dict(",
                ".split(",
                ".format(",
                "[::-1]",
                "\n",
                " ",
                "\\",
                "none",
                "true",
                "recursive",
                "call ",
                "endcall",
                "caller()",
                "filter upper",
                "endfilter",
                "😀",
                "'%s' % ");
        Arbitrary<String> mixed = pieces.list().ofMaxSize(30).map(list -> String.join("", list));
        Arbitrary<String> expressions = pieces.list().ofMaxSize(12).map(list -> "{{ " + String.join("", list) + " }}");
        return Arbitraries.oneOf(mixed, expressions, Arbitraries.strings().ofMaxLength(40));
    }
}
