package dev.lingyu.model.jinja;

import java.math.BigInteger;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/// Python's operators on the values of templates.
final class Operators {
    private final Budget budget;
    private final Printer printer;

    Operators(Budget budget, Printer printer) {
        this.budget = budget;
        this.printer = printer;
    }

    /// The name Python gives to the type of a value.
    static String typeName(Object value) {
        return switch (value) {
            case String _ -> "str";
            case Boolean _ -> "bool";
            case Long _, BigInteger _ -> "int";
            case Double _ -> "float";
            case None _ -> "NoneType";
            case Range _ -> "range";
            case List<?> _ -> "list";
            case Tuple _ -> "tuple";
            case Map<?, ?> _ -> "dict";
            case DictView view -> view.kind().label();
            case Generator _ -> "generator";
            case Undefined _ -> "Undefined";
            case Namespace _ -> "Namespace";
            case Loop _ -> "LoopContext";
            case Function _ -> "function";
            default -> "object";
        };
    }

    static boolean truth(Object value) {
        return switch (value) {
            case Boolean flag -> flag;
            case String text -> !text.isEmpty();
            case Long number -> number != 0;
            case Double number -> number != 0;
            case None _, Undefined _ -> false;
            case List<?> list -> !list.isEmpty();
            case Tuple tuple -> !tuple.items().isEmpty();
            case Map<?, ?> map -> !map.isEmpty();
            case DictView view -> !view.dict().isEmpty();
            default -> true;
        };
    }

    static boolean isNumber(Object value) {
        return value instanceof Long
                || value instanceof Double
                || value instanceof Boolean
                || value instanceof BigInteger;
    }

    static boolean isInteger(Object value) {
        return value instanceof Long || value instanceof Boolean || value instanceof BigInteger;
    }

    /// A `Long` where it fits.
    static Object integer(BigInteger value) {
        if (value.bitLength() < 64) {
            return value.longValue();
        }
        if (value.bitLength() > Budget.INTEGER_BITS) {
            throw new Fault(TemplateException.Kind.LIMIT, "it made an integer of more than 4300 digits");
        }
        return value;
    }

    static BigInteger big(Object value) {
        return switch (value) {
            case BigInteger big -> big;
            case Long number -> BigInteger.valueOf(number);
            case Boolean flag -> flag ? BigInteger.ONE : BigInteger.ZERO;
            default -> throw new Fault("expected an integer, found " + typeName(value));
        };
    }

    /// An integer that serves as index, width or count.
    static long index(Object value) {
        if (value instanceof Long number) {
            return number;
        }
        if (value instanceof Boolean flag) {
            return flag ? 1 : 0;
        }
        if (value instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (value instanceof BigInteger big) {
            return big.signum() > 0 ? Long.MAX_VALUE : Long.MIN_VALUE;
        }
        throw new Fault("'" + typeName(value) + "' object cannot be interpreted as an integer");
    }

    static double real(Object value) {
        return switch (value) {
            case Double number -> number;
            case Long number -> number;
            case Boolean flag -> flag ? 1 : 0;
            case BigInteger big -> big.doubleValue();
            default -> throw new Fault("expected a number, found " + typeName(value));
        };
    }

    Object negative(Object value) {
        return switch (value) {
            case Double number -> -number;
            case Undefined undefined -> throw undefined.fault();
            case Object number when isInteger(number) -> integer(big(number).negate());
            default -> throw new Fault("bad operand type for unary -: '" + typeName(value) + "'");
        };
    }

    Object positive(Object value) {
        return switch (value) {
            case Double number -> number;
            case Undefined undefined -> throw undefined.fault();
            case Object number when isInteger(number) -> integer(big(number));
            default -> throw new Fault("bad operand type for unary +: '" + typeName(value) + "'");
        };
    }

    Object arithmetic(String operator, Object left, Object right) {
        if (operator.equals("%") && left instanceof String format) {
            return new PercentFormat(budget, printer).format(format, right);
        }
        if (left instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (right instanceof Undefined undefined) {
            throw undefined.fault();
        }
        if (isNumber(left) && isNumber(right)) {
            return left instanceof Double || right instanceof Double
                    ? reals(operator, real(left), real(right))
                    : integers(operator, left, right);
        }
        if (operator.equals("+")) {
            return add(left, right);
        }
        if (operator.equals("*")) {
            return isInteger(left) ? repeat(right, left, operator) : repeat(left, right, operator);
        }
        throw unsupported(operator, left, right);
    }

    private static Fault unsupported(String operator, Object left, Object right) {
        return new Fault("unsupported operand type(s) for " + operator + ": '" + typeName(left) + "' and '"
                + typeName(right) + "'");
    }

    private Object add(Object left, Object right) {
        if (left instanceof String a) {
            if (!(right instanceof String b)) {
                throw new Fault("can only concatenate str (not \"" + typeName(right) + "\") to str");
            }
            budget.string((long) a.length() + b.length());
            return a + b;
        }
        if (left instanceof List<?> a
                && right instanceof List<?> b
                && !(left instanceof Range || right instanceof Range)) {
            return join(a, b);
        }
        if (left instanceof Tuple a && right instanceof Tuple b) {
            return new Tuple(join(a.items(), b.items()));
        }
        throw unsupported("+", left, right);
    }

    private List<Object> join(List<?> a, List<?> b) {
        budget.elements((long) a.size() + b.size());
        List<Object> all = new ArrayList<>(a);
        all.addAll(b);
        return all;
    }

    private Object repeat(Object value, Object count, String operator) {
        if (!isInteger(count)) {
            throw unsupported(operator, value, count);
        }
        long times = Math.max(0, index(count));
        return switch (value) {
            case String text -> {
                if (text.isEmpty()) {
                    yield text;
                }
                budget.string(Math.multiplyExact(Math.min(times, 1L << 31), (long) text.length()));
                yield text.repeat((int) times);
            }
            case Range _ -> throw unsupported(operator, value, count);
            case List<?> list -> repeat(list, times);
            case Tuple tuple -> new Tuple(repeat(tuple.items(), times));
            default -> throw unsupported(operator, value, count);
        };
    }

    private List<Object> repeat(List<?> list, long times) {
        List<Object> all = new ArrayList<>();
        if (!list.isEmpty()) {
            budget.elements(Math.min(times, 1L << 31) * list.size());
            for (long i = 0; i < times; i++) {
                all.addAll(list);
            }
        }
        return all;
    }

    private static Object reals(String operator, double a, double b) {
        return switch (operator) {
            case "+" -> a + b;
            case "-" -> a - b;
            case "*" -> a * b;
            case "/" -> a / nonZero(b, "float division by zero");
            case "//" -> Math.floor(a / nonZero(b, "float floor division by zero"));
            case "%" -> {
                double remainder = a % nonZero(b, "float modulo");
                yield remainder != 0 && (remainder < 0) != (b < 0) ? remainder + b : Math.copySign(remainder, b);
            }
            case "**" -> {
                if (a == 0 && b < 0) {
                    throw new Fault("0.0 cannot be raised to a negative power");
                }
                double power = Math.pow(a, b);
                if (Double.isInfinite(power) && !Double.isInfinite(a) && !Double.isInfinite(b)) {
                    throw new Fault("numerical result out of range");
                }
                yield power;
            }
            default -> throw new IllegalArgumentException(operator);
        };
    }

    private static double nonZero(double value, String reason) {
        if (value == 0) {
            throw new Fault(reason);
        }
        return value;
    }

    private Object integers(String operator, Object left, Object right) {
        BigInteger a = big(left);
        BigInteger b = big(right);
        if (b.signum() == 0 && List.of("/", "//", "%").contains(operator)) {
            throw new Fault(operator.equals("/") ? "division by zero" : "integer division or modulo by zero");
        }
        return switch (operator) {
            case "+" -> integer(a.add(b));
            case "-" -> integer(a.subtract(b));
            case "*" -> integer(a.multiply(b));
            case "/" -> a.doubleValue() / b.doubleValue();
            case "//" -> integer(floor(a, b));
            case "%" -> integer(a.subtract(floor(a, b).multiply(b)));
            case "**" -> power(a, b);
            default -> throw new IllegalArgumentException(operator);
        };
    }

    private static BigInteger floor(BigInteger a, BigInteger b) {
        BigInteger[] parts = a.divideAndRemainder(b);
        boolean down = parts[1].signum() != 0 && parts[1].signum() != b.signum();
        return down ? parts[0].subtract(BigInteger.ONE) : parts[0];
    }

    private Object power(BigInteger a, BigInteger b) {
        if (b.signum() < 0) {
            if (a.signum() == 0) {
                throw new Fault("0.0 cannot be raised to a negative power");
            }
            return Math.pow(a.doubleValue(), b.doubleValue());
        }
        boolean small = a.bitLength() <= 1 && a.abs().compareTo(BigInteger.ONE) <= 0;
        if (small) {
            return a.signum() < 0 && !b.testBit(0) ? 1L : b.signum() == 0 ? 1L : integer(a);
        }
        if (b.bitLength() > 31 || (long) a.bitLength() * b.intValue() > 4L * Budget.INTEGER_BITS) {
            throw new Fault(TemplateException.Kind.LIMIT, "it made an integer of more than 4300 digits");
        }
        budget.pay(1000);
        return integer(a.pow(b.intValue()));
    }

    /// `==`, at any depth.
    boolean equal(Object left, Object right) {
        return equal(left, right, 0);
    }

    private boolean equal(Object left, Object right, int depth) {
        Budget.valueDepth(depth);
        budget.step();
        if (isNumber(left) && isNumber(right)) {
            return compareNumbers(left, right) == 0;
        }
        return switch (left) {
            case String a -> right instanceof String b && a.equals(b);
            case Undefined _ -> right instanceof Undefined;
            case Range a -> right instanceof Range b && a.equals(b);
            case List<?> a -> right instanceof List<?> b && !(b instanceof Range) && equalLists(a, b, depth);
            case Tuple a -> right instanceof Tuple b && equalLists(a.items(), b.items(), depth);
            case Map<?, ?> a -> right instanceof Map<?, ?> b && equalMaps(a, b, depth);
            default -> left == right;
        };
    }

    private boolean equalLists(List<?> a, List<?> b, int depth) {
        if (a.size() != b.size()) {
            return false;
        }
        for (int i = 0; i < a.size(); i++) {
            if (!equal(a.get(i), b.get(i), depth + 1)) {
                return false;
            }
        }
        return true;
    }

    private boolean equalMaps(Map<?, ?> a, Map<?, ?> b, int depth) {
        if (a.size() != b.size()) {
            return false;
        }
        for (Map.Entry<?, ?> entry : a.entrySet()) {
            Object other = b.get(entry.getKey());
            if (other == null || !equal(entry.getValue(), other, depth + 1)) {
                return false;
            }
        }
        return true;
    }

    private static int compareNumbers(Object left, Object right) {
        if (left instanceof Double || right instanceof Double) {
            double a = real(left);
            double b = real(right);
            // A NaN equals nothing, itself included.
            return a == b ? 0 : a < b ? -1 : 1;
        }
        return big(left).compareTo(big(right));
    }

    /// The order of two values, negative, zero or positive; `operator` is for the error message.
    int compare(String operator, Object left, Object right) {
        return compare(operator, left, right, 0);
    }

    private int compare(String operator, Object left, Object right, int depth) {
        Budget.valueDepth(depth);
        budget.step();
        if (isNumber(left) && isNumber(right)) {
            return compareNumbers(left, right);
        }
        return switch (left) {
            case Undefined undefined -> throw undefined.fault();
            case String a when right instanceof String b -> compareStrings(a, b);
            case List<?> a when right instanceof List<?> b -> compareLists(operator, a, b, depth);
            case Tuple a when right instanceof Tuple b -> compareLists(operator, a.items(), b.items(), depth);
            default -> {
                if (right instanceof Undefined undefined) {
                    throw undefined.fault();
                }
                throw new Fault("'" + operator + "' not supported between instances of '" + typeName(left) + "' and '"
                        + typeName(right) + "'");
            }
        };
    }

    /// By code points, where `String.compareTo` goes by UTF-16 units.
    private static int compareStrings(String a, String b) {
        int at = Arrays.mismatch(a.toCharArray(), b.toCharArray());
        if (at < 0 || at >= a.length() || at >= b.length()) {
            return Integer.compare(a.length(), b.length());
        }
        boolean surrogates = Character.isSurrogate(a.charAt(at)) != Character.isSurrogate(b.charAt(at));
        return surrogates
                ? Boolean.compare(Character.isSurrogate(a.charAt(at)), Character.isSurrogate(b.charAt(at)))
                : Character.compare(a.charAt(at), b.charAt(at));
    }

    private int compareLists(String operator, List<?> a, List<?> b, int depth) {
        for (int i = 0; i < Math.min(a.size(), b.size()); i++) {
            if (!equal(a.get(i), b.get(i), depth + 1)) {
                return compare(operator, a.get(i), b.get(i), depth + 1);
            }
        }
        return Integer.compare(a.size(), b.size());
    }

    boolean holds(String operator, Object left, Object right) {
        boolean nan = (left instanceof Double a && a.isNaN()) || (right instanceof Double b && b.isNaN());
        return switch (operator) {
            case "==" -> equal(left, right);
            case "!=" -> !equal(left, right);
            case "<" -> compare(operator, left, right) < 0 && !nan;
            case "<=" -> compare(operator, left, right) <= 0 && !nan;
            case ">" -> compare(operator, left, right) > 0 && !nan;
            case ">=" -> compare(operator, left, right) >= 0 && !nan;
            default -> throw new IllegalArgumentException(operator);
        };
    }
}
