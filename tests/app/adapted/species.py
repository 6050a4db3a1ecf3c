"""Species with awkward names, and a bird of a contract with a measurement of its own."""

from tests.support.commands import EXAMPLE

AWKWARD = (
    *("Iris-setosa", "0", "Torgersen Island", 'say "hi"', "back\\slash", "Adélie ペンギン", "class", "class_"),
    *("a b", "a_b", "__proto__", "two\nlines", "<b>&amp;</b>", "{}", "it's, too", "encode", "", "x" * 300),
)
SPECIES = (*AWKWARD, *(f"species {i}" for i in range(len(AWKWARD), 31)))
BIRD = {**{name: number for name, number in EXAMPLE.items() if name != "bill_depth_mm"}, "gape": 0.5}
MEGABYTE = 1 << 20
FIELDS = r" {4}bill_length_mm: .*(?=\n\nclass Measurement\()"  # of all measurements
REST = b'"flipper_length_mm":181,"body_mass_g":3750}'
