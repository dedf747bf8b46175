"""The exercises of the chapters on difficulties."""

from .kinds import parts

EXERCISES = {
    "conditioning-1": parts(
        (10 / 41, 1476 / 6570, 0.8), A=(0, 5 / 41), B=(0, 2 / 9), C=(1, 738 / 6570), D=(2, 8 / 9), E=(2, 7 / 9)
    ),
    "landscape-1": parts(
        (-1, 5, 145), A=(0, 2), B=(0, -0.5), C=(2, 138.2, 139), D=(2, 34.1, 35), E=(2, 72.5, 73), F=(1, 2), G=(1, 2.5),
        H=(0, 5), I=(1, -1),
    ),  # fmt: skip
    "vanishing-exploding-1": parts((2.4, 9 * 0.9**8, 128), A=(0, 2), B=(0, 5), C=(1, 1, 0.9**8), D=(2, 1024)),
    "residual-1": parts((1431, 10.8), A=(0, 2862, 2916), B=(1, 27), C=(1, 13.5)),
}
