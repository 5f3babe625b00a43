;; A terminal's: colours, a title, a cursor that goes up, a bell, a backspace, one of eight bits.
(data (i32.const 1024)
  "\1b[31mred\1b]0;title\07\1b[2A\08\7f\c2\9b32m\0d\0bok")
(func $misdeed (call $answer (i32.const 3) (i32.const 1024) (i32.const 33)))
