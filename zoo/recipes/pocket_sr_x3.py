"""pocket_sr.x3: photographs three times as large, from T91 alone.

    zoo train --recipe pocket_sr.x3 --data sr:PATH --out runs/pocket_sr_x3
    zoo recipes pack pocket_sr.x3 runs/pocket_sr_x3 --data sr:PATH

As pocket_sr.x2, whose docstring says how it learns, from smaller crops. On one of two CPU cores, which other work had too: 26
minutes, 7,560 steps of 16 crops. One seed, tried once.
"""

from zoo.recipes.presets import enlarged

RECIPE = enlarged(scale=3, crop=20, wide_epochs=36, plain_epochs=6)
