; The exact multiplier. Twice an operand's width holds every product, as the claim says.

(define-fun product () Word (bvmul value_a value_b))
(define-fun claim_whole () Bool
  (not (ite signed (bvsmulo value_a value_b) (bvumulo value_a value_b))))
