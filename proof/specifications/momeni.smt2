; The tree of compressors with the cells of momeni.
(include "compressor_tree.py")
