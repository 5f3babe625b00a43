package godwit

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
)

func printed(t *testing.T, value any) string {
	t.Helper()
	text, err := appendValue(nil, value)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func parsed(t *testing.T, text string) any {
	t.Helper()
	value, err := parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return value
}

func TestWhatIsReadIsPrintedTheSame(t *testing.T) {
	for _, text := range []string{
		`null`, `[]`, `{}`, `""`, `1e400`, `-0`, `[1.10,9007199254740993,123456789012345678901234567890,1E5]`,
		`{"b":[true,false,{"ü":"\n\u0001<>&"}],"a":{"10":1,"2":null}}`,
	} {
		if got := printed(t, parsed(t, text)); got != text {
			t.Errorf("%s became %s", text, got)
		}
	}
}

func TestWhatIsNoJSONIsRefused(t *testing.T) {
	for _, text := range []string{``, ` `, `[1`, `[1,]`, `{"a"}`, `1 2`, `01`, "\"\xff\"", `"\ud800"`, `{"a":1,"a":2}`} {
		if value, err := parse([]byte(text)); err == nil {
			t.Errorf("%s became %v", text, value)
		}
	}
}

func TestMembersKeepTheirOrder(t *testing.T) {
	for _, others := range []int{0, 2 * manyMembers} {
		object := new(Object)
		for i := range others {
			object.Set(fmt.Sprint("other", i), i)
		}
		object.Set("a", 1).Set("b", 2).Set("c", 3).Set("b", nil)
		object.Delete("a")
		object.Delete("none")
		if !object.Rename("b", "z") || object.Rename("b", "y") || !object.Rename("z", "c") {
			t.Error("renamed what is not there, or not what is")
		}
		object.Set("d", 4)
		var names []string
		for name := range object.All() {
			names = append(names, name)
		}
		if got := names[others:]; !slices.Equal(got, []string{"c", "d"}) || object.Len() != len(names) {
			t.Errorf("with %d others: %v", others, got)
		}
		if object.Has("b") || object.Get("c") != nil || !object.Has("c") || object.Get("d") != 4 {
			t.Errorf("with %d others: %s", others, printed(t, object))
		}
	}
}

func TestNoObjectReadsLikeAnEmptyOne(t *testing.T) {
	var object *Object
	if object.Len() != 0 || object.Has("a") || object.Get("a") != nil {
		t.Error("it has members")
	}
	for range object.All() {
		t.Error("it has members")
	}
}

func TestWhatHasNoPlaceInJSONIsRefused(t *testing.T) {
	for _, value := range []any{math.NaN(), math.Inf(1), "\xff", []string{}, struct{}{}, new(Object).Set("a", 'x'+0i)} {
		if text, err := appendValue(nil, []any{value}); err == nil {
			t.Errorf("%v became %s", value, text)
		}
	}
	const numbers = `[1,-2,18446744073709551615,1.5,1e+21]`
	if got := printed(t, []any{1, int64(-2), uint64(math.MaxUint64), 1.5, 1e21}); got != numbers {
		t.Error(got)
	}
}

func TestAnObjectIsAPartOfATypeOfOnesOwn(t *testing.T) {
	var note struct {
		Title string  `json:"title"`
		More  *Object `json:"more"`
	}
	const text = `{"title":"Brot","more":{"b":1.10,"a":2}}`
	if err := json.Unmarshal([]byte(text), &note); err != nil {
		t.Fatal(err)
	}
	if got, err := json.Marshal(note); err != nil || string(got) != text {
		t.Error(string(got), err)
	}
}
