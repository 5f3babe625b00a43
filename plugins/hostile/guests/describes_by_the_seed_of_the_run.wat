;; And by its moment: they are no business of a description, and say nothing while it is made.
(func $describe (result i32)
  (call $current (i32.const 608))
  (if (i64.ne (i64.load (i32.const 624)) (i64.const 0)) (then (unreachable)))
  (if (i64.ne (i64.load (i32.const 632)) (i64.const 0)) (then (unreachable)))
  (i32.const 400))
