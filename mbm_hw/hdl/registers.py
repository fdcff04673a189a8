"""Pipeline registers that stall."""

from collections.abc import Sequence

from amaranth import Module, Signal


def registered(
    m: Module, enable: Signal, *signals: Signal, inits: Sequence[int] | None = None
) -> list[Signal]:
    """Return registers that take `signals` at each clock while `enable` is 1.

    They start at `inits`, by default the signals' own initial values, and the clock domain's reset
    takes them back there whatever `enable` is. Each is called after its signal: `total_q` follows
    `total`.
    """
    inits = [signal.init for signal in signals] if inits is None else inits
    registers = [
        Signal(signal.shape(), name=f"{signal.name}_q", init=init)
        for signal, init in zip(signals, inits, strict=True)
    ]
    with m.If(enable):
        m.d.sync += [
            register.eq(signal) for register, signal in zip(registers, signals, strict=True)
        ]
    return registers
