; The tree of compressors with the cells of venkatachalam.
(include "compressor_tree.py")
