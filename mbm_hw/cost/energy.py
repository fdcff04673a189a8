"""The energy of switching: toggles times what a library says of each.

A toggle of a net takes C V^2 / 2 for its load and the internal energy of the gate that drives it;
inputs and clocks have an internal energy of their own in some libraries. Leakage is not part of it,
nor is what wires and a clock tree would add.
"""

from collections.abc import Mapping

from mbm_hw.cost.activity import Toggles
from mbm_hw.cost.cells import Library
from mbm_hw.cost.netlist import Net, Netlist
from mbm_hw.cost.timing import Timing


def edge_energies(
    netlist: Netlist, library: Library, timing: Timing
) -> Mapping[Net, tuple[float, float]]:
    """Return what a rise and a fall of each net cost, in pJ.

    Internal energies are read at the transition times of `timing`; where the library distinguishes
    by input or by the other pins' state, their mean is taken.
    """
    energies = {}

    def add(net, rise, fall):
        before = energies.get(net, (0.0, 0.0))
        energies[net] = before[0] + rise, before[1] + fall

    for net, load in timing.loads.items():
        half = load * library.voltage**2 / 2
        add(net, half, half)
    for instance in netlist.instances:
        for pin in instance.cell.pins.values():
            net = instance.nets.get(pin.name)
            if net is None:
                continue
            terms = []
            for power in pin.powers:
                source = net if power.related_pin is None else instance.nets.get(power.related_pin)
                if source in (None, "0", "1", "x"):
                    continue
                transition = sum(timing.transitions[source]) / 2
                load = timing.loads.get(net, 0.0) if pin.is_output else 0.0
                terms.append((power.rise(transition, load), power.fall(transition, load)))
            if terms:
                add(net, *(sum(edge) / len(terms) for edge in zip(*terms, strict=True)))
    return energies


def switching_energy(energies: Mapping[Net, tuple[float, float]], toggles: Toggles) -> float:
    """Return the energy of all toggles, in pJ."""
    return sum(
        rises * energies[net][0] + falls * energies[net][1]
        for net, (rises, falls) in toggles.items()
        if net in energies
    )
