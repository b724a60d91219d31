/// The bundled sample domain: an invented home-appliance store (家电商城) with products, policies and customers'
/// questions.
///
/// In: hand-written vocabulary under this package's resources (CSV and JSON), a [Size] and a seed. Out: a
/// post-training corpus, instruction rows, two test sets and held-out texts ([SampleDomain]), and a judge of
/// answers ([AnswerCheck]).
///
/// Invariant: the same size and seed give the same bytes everywhere, and no test question, held-out wording
/// or new product ever appears in a training text.
@NullMarked
package dev.lingyu.data.sample;

import org.jspecify.annotations.NullMarked;
