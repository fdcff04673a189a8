from mbm_hw.cli import main

main()
