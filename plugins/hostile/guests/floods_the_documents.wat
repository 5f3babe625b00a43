;; Writes until it is stopped, whatever it is told. Every note has an id of its own.
(func $misdeed
  (loop $ever
    (i64.store (i32.const 1024) (i64.add (i64.load (i32.const 1024)) (i64.const 1)))
    (i64.store (i32.const 1032)
      (i64.or (i64.const 0x4040404040404040)
        (i64.and (i64.load (i32.const 1024)) (i64.const 0x0f0f0f0f0f0f0f0f))))
    (call $note (i32.const 1032) (i32.const 8))
    (br $ever)))
