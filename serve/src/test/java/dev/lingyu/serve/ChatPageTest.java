package dev.lingyu.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.google.gson.JsonObject;
import com.microsoft.playwright.Browser;
import com.microsoft.playwright.BrowserContext;
import com.microsoft.playwright.BrowserType;
import com.microsoft.playwright.CDPSession;
import com.microsoft.playwright.Locator;
import com.microsoft.playwright.Page;
import com.microsoft.playwright.Playwright;
import com.microsoft.playwright.Request;
import com.microsoft.playwright.Route;
import com.microsoft.playwright.options.ColorScheme;
import com.microsoft.playwright.options.WaitForSelectorState;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/// The chat page in a real browser; screenshots go to the folder that the property `lingyu.screenshots` names.
class ChatPageTest {
    private static final Path CHROMIUM = Path.of("/usr/bin/chromium");

    private static @Nullable TinyServer started;
    private static @Nullable Playwright playwright;
    private static @Nullable Browser browser;
    private @Nullable BrowserContext context;

    @BeforeAll
    static void start() {
        assumeTrue(Files.isExecutable(CHROMIUM), "There is no /usr/bin/chromium: the chat page is not tested here.");
        started = TinyServer.start();
        playwright = Playwright.create(
                new Playwright.CreateOptions().setEnv(Map.of("PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD", "1")));
        browser = playwright
                .chromium()
                .launch(new BrowserType.LaunchOptions()
                        .setExecutablePath(CHROMIUM)
                        .setArgs(List.of(
                                "--no-sandbox",
                                "--disable-gpu",
                                "--disable-background-networking",
                                "--disable-component-update",
                                "--disable-sync",
                                "--no-first-run")));
    }

    @AfterAll
    static void stop() {
        if (browser != null) {
            browser.close();
        }
        if (playwright != null) {
            playwright.close();
        }
        if (started != null) {
            started.close();
        }
    }

    @AfterEach
    void closeContext() {
        if (context != null) {
            context.close();
        }
    }

    @Test
    void aQuestionIsAnsweredAndAskedAgain() {
        Page page = open("zh-CN", 1100, 720);
        assertThat(page.locator("#send").innerText()).isEqualTo("发送");
        assertThat(page.locator("#model option").innerText()).isEqualTo("tiny");
        assertThat(page.locator("#key").isVisible()).as("no key is needed").isFalse();
        shoot(page, "empty-zh");
        setSlider(page, "temperature", 0);
        setSlider(page, "max_tokens", 32);
        page.locator("#input").fill("冰箱保修多久？");
        page.locator("#input").press("Enter");
        Locator answer = page.locator(".turn.assistant:not(.waiting) .text");
        answer.waitFor();
        String first = answer.innerText();
        assertThat(first).isNotBlank();
        assertThat(page.locator(".turn.user .text").innerText()).isEqualTo("冰箱保修多久？");
        assertThat(page.locator(".note").innerText()).contains("词元");
        shoot(page, "answered-zh");
        page.locator(".again").click();
        page.locator(".again").waitFor();
        assertThat(page.locator(".turn"))
                .satisfies(turns -> assertThat(turns.count()).isEqualTo(2));
        assertThat(answer.innerText()).isEqualTo(first);
        page.locator("#clear").click();
        assertThat(page.locator(".turn").count()).isZero();
    }

    @Test
    void stopEndsAnEndlessAnswerAndKeepsItsText() {
        Page page = open("en-US", 1100, 720);
        page.emulateMedia(new Page.EmulateMediaOptions().setColorScheme(ColorScheme.DARK));
        // Greedy, this model never comes to an end.
        setSlider(page, "temperature", 0);
        setSlider(page, "max_tokens", 4096);
        ask(page, "Tell me about washing machines.");
        Locator answer = page.locator(".turn.assistant .text");
        TinyServer.eventually("text comes", () -> answer.innerText().length() > 20);
        shoot(page, "streaming-en");
        page.locator("#stop").click();
        assertThat(page.locator(".note span").first().innerText()).isEqualTo("stopped");
        assertThat(answer.innerText().length()).isGreaterThan(20);
        TinyServer.eventually("the generation is over", () -> tiny().server().runningRequests() == 0);
    }

    @Test
    void markupInQuestionsAndAnswersStaysText() {
        Page page = open("en-US", 1100, 720);
        String markup = "<img src=x onerror=document.title='pwned'><b>bold</b>";
        page.route("**/v1/chat/completions", route -> {
            JsonObject delta = new JsonObject();
            delta.addProperty("content", markup);
            route.fulfill(new Route.FulfillOptions()
                    .setContentType("text/event-stream")
                    .setBody("data: {\"choices\":[{\"index\":0,\"delta\":" + delta
                            + ",\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"));
        });
        ask(page, markup);
        page.locator(".again").waitFor();
        assertThat(page.locator(".turn .text").allInnerTexts()).containsExactly(markup, markup);
        assertThat(page.locator(".turn img, .turn b").count()).isZero();
        assertThat(page.title()).doesNotContain("pwned");
    }

    @Test
    void enterDoesNotSendWhileAnInputMethodComposesNorWithShift() {
        Page page = open("zh-CN", 1100, 720);
        page.locator("#input").focus();
        CDPSession devtools = page.context().newCDPSession(page);
        JsonObject composing = new JsonObject();
        composing.addProperty("text", "bing");
        composing.addProperty("selectionStart", 4);
        composing.addProperty("selectionEnd", 4);
        devtools.send("Input.imeSetComposition", composing);
        page.evaluate("document.querySelector('#input').dispatchEvent("
                + "new KeyboardEvent('keydown', {key: 'Enter', isComposing: true, bubbles: true, cancelable: true}))");
        assertThat(page.locator(".turn").count()).isZero();
        JsonObject chosen = new JsonObject();
        chosen.addProperty("text", "冰箱");
        devtools.send("Input.insertText", chosen);
        page.locator("#input").press("Shift+Enter");
        page.locator("#input").pressSequentially("保修");
        assertThat(page.locator(".turn").count()).isZero();
        assertThat(page.locator("#input").inputValue()).isEqualTo("冰箱\n保修");
        page.locator("#input").press("Enter");
        assertThat(page.locator(".turn.user .text").innerText()).isEqualTo("冰箱\n保修");
    }

    @Test
    void theServersSentenceIsShownWhenARequestIsRefused() {
        Page page = open("en-US", 1100, 720);
        page.route(
                "**/v1/chat/completions",
                route -> route.fulfill(new Route.FulfillOptions()
                        .setStatus(429)
                        .setContentType("application/json")
                        .setBody("{\"error\":{\"message\":\"256 requests are waiting already.\"}}")));
        ask(page, "Hello");
        page.locator(".turn.failed").waitFor();
        assertThat(page.locator(".turn.failed .text").innerText()).isEqualTo("256 requests are waiting already.");
        shoot(page, "failed-en");
    }

    @Test
    void aPhoneShowsEverythingAndNothingLeavesTheServer() {
        Page page = open("zh-CN", 375, 667);
        List<String> elsewhere = new ArrayList<>();
        page.onRequest((Request request) -> {
            if (!request.url().startsWith(tiny().server().url())
                    && !request.url().startsWith("data:")) {
                elsewhere.add(request.url());
            }
        });
        page.reload();
        page.locator("#model option").waitFor(new Locator.WaitForOptions().setState(WaitForSelectorState.ATTACHED));
        assertThat(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
                .isEqualTo(true);
        assertThat(page.locator("#settings").isVisible()).isFalse();
        page.locator("#toggle").click();
        assertThat(page.locator("#repetition_penalty").isVisible()).isTrue();
        shoot(page, "phone-settings");
        setSlider(page, "max_tokens", 64);
        page.locator("#toggle").click();
        ask(page, "这台空调的额定功率是多少？");
        page.locator(".again").waitFor();
        shoot(page, "phone-answered");
        assertThat(elsewhere).isEmpty();
    }

    private static TinyServer tiny() {
        return java.util.Objects.requireNonNull(started);
    }

    private Page open(String locale, int width, int height) {
        context = java.util.Objects.requireNonNull(browser)
                .newContext(new Browser.NewContextOptions().setLocale(locale).setViewportSize(width, height));
        Page page = context.newPage();
        page.navigate(tiny().server().url() + "/");
        page.locator("#model option").waitFor(new Locator.WaitForOptions().setState(WaitForSelectorState.ATTACHED));
        return page;
    }

    private static void ask(Page page, String question) {
        page.locator("#input").fill(question);
        page.locator("#send").click();
    }

    private static void setSlider(Page page, String id, int value) {
        page.evaluate(
                "([id, value]) => { const e = document.getElementById(id); e.value = value;"
                        + " e.dispatchEvent(new Event('input')); }",
                List.of(id, value));
    }

    private static void shoot(Page page, String name) {
        String folder = System.getProperty("lingyu.screenshots");
        if (folder != null) {
            page.screenshot(new Page.ScreenshotOptions().setPath(Path.of(folder, name + ".png")));
        }
    }
}
