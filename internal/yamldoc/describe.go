package yamldoc

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// Describe says on one line where data is wrong and how. err is what the parser
// says of data; any other error is returned as it is.
func Describe(err error, data []byte) error {
	var e yaml.Error
	if !errors.As(err, &e) || e.GetToken() == nil {
		return err
	}
	at := e.GetToken().Position
	said := strings.ReplaceAll(e.GetMessage(), "unknown field", "unknown key")
	var kind *yaml.TypeError
	var node *yaml.UnexpectedNodeTypeError
	var over *yaml.OverflowError
	switch {
	case errors.As(err, &kind):
		said = "expected " + typeName(kind.DstType)
	case errors.As(err, &node):
		said = "expected " + nodeName(node.Expected)
	case errors.As(err, &over):
		said = over.SrcNum + " is out of range"
	}
	lines := strings.Split(string(data), "\n")
	if at.Line >= 1 && at.Line <= len(lines) {
		said += fmt.Sprintf(" in %q", shorten(strings.TrimSpace(lines[at.Line-1])))
	}
	return fmt.Errorf("line %d, column %d: %s", at.Line, at.Column, said)
}

// maxLine is how much of a line a message repeats, in bytes.
const maxLine = 120

func shorten(line string) string {
	if len(line) > maxLine {
		return strings.ToValidUTF8(line[:maxLine], "") + "…"
	}
	return line
}

func typeName(t reflect.Type) string {
	if t == reflect.TypeFor[time.Duration]() {
		return "a duration such as 30s"
	}
	switch t.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return "a whole number"
	case reflect.Float32, reflect.Float64:
		return "a number"
	case reflect.Slice, reflect.Array:
		return "a list"
	case reflect.Struct, reflect.Map:
		return "keys with values"
	case reflect.Pointer:
		return typeName(t.Elem())
	default:
		return "text"
	}
}

func nodeName(t ast.NodeType) string {
	switch t {
	case ast.SequenceType:
		return "a list"
	case ast.MappingType, ast.MappingValueType:
		return "keys with values"
	default:
		return "text"
	}
}
