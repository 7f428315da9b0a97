//! Parameters of the whole machine.

use super::Figure::{Counter, Distribution, Value};
use super::{Need, Parameter, SetBy};

pub(super) const ROWS: [Parameter; 4] = [
    Parameter {
        name: "kernel.panic",
        before: Distribution,
        product: Value("1"),
        unit: "seconds",
        module: None,
        per_namespace: false,
        set_by: SetBy::Kubelet,
        need: Need::Kubelet,
        meaning: "Seconds until the machine starts anew after its kernel panicked; 0 waits for ever.",
    },
    Parameter {
        name: "kernel.panic_on_oops",
        before: Distribution,
        product: Value("1"),
        unit: "boolean",
        module: None,
        per_namespace: false,
        set_by: SetBy::Kubelet,
        need: Need::Kubelet,
        meaning: "Whether a fault inside the kernel stops the machine instead of leaving it half alive.",
    },
    Parameter {
        name: "kernel.pty.nr",
        before: Counter,
        product: Value("1"),
        unit: "count",
        module: None,
        per_namespace: false,
        set_by: SetBy::Nobody,
        need: Need::Never,
        meaning: "How many terminals are open now; a count that nobody can set.",
    },
    Parameter {
        name: "vm.overcommit_memory",
        before: Distribution,
        product: Value("1"),
        unit: "mode 0-2",
        module: None,
        per_namespace: false,
        set_by: SetBy::Kubelet,
        need: Need::Kubelet,
        meaning: "Whether programs may ask for more memory than there is: 0 guess, 1 always, 2 never.",
    },
];
