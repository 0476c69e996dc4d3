"""python -m tinygrad_dbn.cli"""

from . import main

main()
