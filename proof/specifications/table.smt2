; A product table: the entry in row a and column b.
;
; In front of it stand the sort Word, twice as wide as an operand; the operands' values value_a and
; value_b; is_sign_magnitude, of tables that hold the products of magnitudes; lowest, the lowest bits
; of a value, as many as the rows have; and entry, at an address with the row in its high half.

(define-fun negative_a () Bool (and is_sign_magnitude (bvslt value_a zero)))
(define-fun negative_b () Bool (and is_sign_magnitude (bvslt value_b zero)))
(define-fun magnitude_a () Word (ite negative_a (bvneg value_a) value_a))
(define-fun magnitude_b () Word (ite negative_b (bvneg value_b) value_b))
(define-fun magnitude () Word (entry (concat (lowest magnitude_a) (lowest magnitude_b))))
(define-fun product () Word
  (ite (xor negative_a negative_b) (bvneg magnitude) magnitude))
