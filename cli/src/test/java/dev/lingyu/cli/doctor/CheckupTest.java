package dev.lingyu.cli.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class CheckupTest {

    @Test
    void coresAreCountedOncePerSocketWhateverTheirThreads() {
        String cpuinfo = """
                processor : 0
                model name : Example CPU
                physical id : 0
                core id : 0
                flags : fpu avx2 avx512f avx512_bf16

                processor : 1
                model name : Example CPU
                physical id : 0
                core id : 0
                flags : fpu avx2 avx512f avx512_bf16

                processor : 2
                model name : Example CPU
                physical id : 1
                core id : 0
                flags : fpu avx2 avx512f avx512_bf16
                """;
        Processor processor = Processor.parse(cpuinfo);
        assertThat(processor.physicalCores()).isEqualTo(2);
        Finding finding = processor.finding(3);
        assertThat(finding.level()).isEqualTo(Finding.Level.OK);
        assertThat(finding.words())
                .startsWith("Example CPU, 3 cores usable (2 physical")
                .contains("with bf16");
    }

    @Test
    void aRepeatedFlagIsNoFailure() {
        assertThat(Processor.parse("flags : avx2 fma avx2\n").flags()).contains("avx2", "fma");
    }

    @Test
    void anOldProcessorIsAWarningAndAnUnlistedOneIsNot() {
        assertThat(Processor.parse("flags : fpu sse2\n").finding(2).level()).isEqualTo(Finding.Level.WARNING);
        assertThat(Processor.parse("").finding(2).level()).isEqualTo(Finding.Level.OK);
    }

    @Test
    void littleFreeMemoryIsAWarning() {
        String roomy = "MemTotal: 16777216 kB\nMemFree: 1 kB\nMemAvailable: 8388608 kB\n";
        String tight = "MemTotal: 16777216 kB\nMemAvailable: 1048576 kB\n";
        assertThat(Checkup.memory(roomy, 1L << 30)).satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(Finding.Level.OK);
            assertThat(finding.words()).contains("16.0 GiB, 8.0 GiB of it free").contains("take 1.0 GiB");
        });
        assertThat(Checkup.memory(tight, 1L << 30).level()).isEqualTo(Finding.Level.WARNING);
    }

    @Test
    void aTakenPortIsAWarning() throws IOException {
        try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            assertThat(Checkup.port(taken.getLocalPort()).level()).isEqualTo(Finding.Level.WARNING);
        }
    }

    @Test
    void aBareEnvironmentIsNoticed() {
        List<Finding> findings = new Checkup(Map.of()).findings();
        assertThat(findings)
                .filteredOn(finding -> finding.words().contains("OMP_NUM_THREADS"))
                .singleElement()
                .satisfies(finding -> assertThat(finding.level()).isEqualTo(Finding.Level.WARNING));
        assertThat(findings).anySatisfy(finding -> assertThat(finding.words()).contains("loads and computes"));
    }
}
