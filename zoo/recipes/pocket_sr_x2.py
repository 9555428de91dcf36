"""pocket_sr.x2: photographs twice as large, from T91 alone.

    zoo train --recipe pocket_sr.x2 --data sr:PATH --out runs/pocket_sr_x2
    zoo recipes pack pocket_sr.x2 runs/pocket_sr_x2 --data sr:PATH

T91 is 90 photographs, so that an epoch shows each 32 times and cuts another part each time. Every convolution learns as a wide
one with a shortcut, which collapses into a 3×3 one (`zoo.layers.CollapsibleConv2D`); the plain network learns on for a few
epochs. At 600 steps the wide one stood at 36.6 dB on Set5, and at 35.2 before its blocks began near their shortcuts and its
last layer near 0, which is what made the difference. Set5 chose the epoch, Set14 nothing.

On one of two CPU cores, which other work had too: 35 minutes, 10,440 steps of 16 crops. One seed. Nothing says that it is at
its end: published networks of this size learn for hundreds of times as many steps, from ten times as many photographs, and gain
some 0.2 dB by it; a GPU would do as much in minutes.
"""

from zoo.recipes.presets import enlarged

RECIPE = enlarged(scale=2, crop=24, wide_epochs=50, plain_epochs=8)
