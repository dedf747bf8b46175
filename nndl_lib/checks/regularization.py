"""The exercises of the chapters on regularization."""

from .kinds import parts

EXERCISES = {
    "generalization-1": parts((1.8, 2.2), A=(0, 2.0), B=(0, 2.2222), C=(1, 2.0)),
    "1-6": parts(
        (2.3026, -0.8, 4.3944, 0.5448),
        A=(0, 2.0723),
        B=(1, -0.9),
        C=(1, 0.8),
        D=(2, 2.1972),
        E=(2, 4.5109),
        F=(3, 0),
        G=(3, 0.5003),
        H=(3, 0.3251),
    ),
}
