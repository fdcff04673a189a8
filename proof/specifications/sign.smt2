; The sign of the product.

(define-fun product () Word
  (ite (xor negative_a negative_b) (bvneg magnitude) magnitude))
