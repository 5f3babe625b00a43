(data $summary (i32.const 296) "\1b[31mred\07\0d\0a\c2\9bm")
