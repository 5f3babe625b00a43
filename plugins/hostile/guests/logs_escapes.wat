;; In the line and in the item that it is about, with lines of their own that look like the host's.
(data (i32.const 1024) "\1b[31mred\1b]0;title\07\0d\08\c2\9b1m")
(func $misdeed
  (call $log (i32.const 3) (i32.const 1024) (i32.const 24)
    (i32.const 1) (i32.const 1024) (i32.const 24)))
