package dev.lingyu.model;

import static org.assertj.core.api.Assertions.assertThat;

import dev.lingyu.tensor.Autograd;
import dev.lingyu.tensor.DType;
import dev.lingyu.tensor.Device;
import dev.lingyu.tensor.Scope;
import dev.lingyu.tensor.Tensor;
import java.io.IOException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/// The loss of every decoder family and its gradients, through the whole decoder, against the reference.
class GoldenGradientTest {
    @ParameterizedTest
    @MethodSource("dev.lingyu.model.Golden#decoderFamilies")
    void lossAndGradientsEqualTheReference(String name) throws IOException {
        Golden golden = Golden.open(name);
        ModelConfig config = ModelConfig.read(golden.directory());
        try (Scope scope = Scope.open();
                Decoder decoder = DecoderWeights.load(golden.directory(), config, DType.F32, Device.CPU, true)) {
            List<int[]> rows = golden.sequences("loss.input_ids", "loss.attention_mask");
            decoder.parameters().forEach(parameter -> parameter.trainable(true));
            Tensor logits = GoldenLoss.recordedLogits(decoder, TokenBatch.of(rows));
            Golden.within(
                    golden.largestDifferenceAtRealPositions(logits, "loss.logits", "loss.attention_mask"),
                    1e-4,
                    name + " loss.logits");

            long[] labels = GoldenLoss.nextTokenLabels(golden, rows);
            Tensor loss = GoldenLoss.mean(logits, labels);
            Golden.within(Math.abs(loss.item() - golden.array("loss.value").item()), 1e-5, name + " loss.value");

            List<Parameter> parameters = new ArrayList<>(decoder.parameters());
            List<Optional<Tensor>> gradients = Autograd.gradients(
                    loss,
                    Tensor.of(new float[] {1}),
                    parameters.stream().map(Parameter::value).toList());
            compareGradients(golden, name, parameters, gradients);
        }
    }

    private static void compareGradients(
            Golden golden, String name, List<Parameter> parameters, List<Optional<Tensor>> gradients) {
        Map<String, Tensor> ours = new HashMap<>();
        double squares = 0;
        for (int i = 0; i < parameters.size(); i++) {
            Tensor gradient = gradients.get(i).orElseThrow();
            squares += Math.pow(gradient.norm().item(), 2);
            ours.put(parameters.get(i).name(), parameters.get(i).asInFiles(gradient));
        }
        List<String> arrays = golden.names("grad.");
        assertThat(arrays).as("golden gradients of " + name).isNotEmpty();
        double worst = 0;
        String worstName = "";
        for (String array : arrays) {
            String parameter = array.substring("grad.".length());
            assertThat(ours).as("parameters").containsKey(parameter);
            Tensor gradient = java.util.Objects.requireNonNull(ours.get(parameter));
            assertThat(gradient.shape()).as(array).isEqualTo(golden.array(array).shape());
            double difference = Golden.largestDifference(
                    gradient.toFloats(), golden.array(array).toFloats());
            assertThat(difference)
                    .as(name + " " + array + ": largest difference")
                    .isLessThanOrEqualTo(2e-5);
            if (difference >= worst) {
                worst = difference;
                worstName = array;
            }
        }
        Golden.within(worst, 2e-5, name + " " + arrays.size() + " grad, worst " + worstName);
        double norm = golden.facts().path("grad_norm_all_params_l2").asDouble();
        Golden.within(Math.abs(Math.sqrt(squares) - norm) / norm, 1e-5, name + " norm of all gradients (relative)");
    }
}
