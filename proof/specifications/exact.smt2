; The exact multiplier. Twice an operand's width holds every product: `fits` says so to the solver.

(define-fun product () Word (bvmul value_a value_b))
