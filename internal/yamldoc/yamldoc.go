// Package yamldoc bounds YAML before it is parsed: the parser takes memory that
// grows with the square of the nesting, and expands aliases without end.
package yamldoc

import (
	"bytes"
	"fmt"

	"github.com/goccy/go-yaml/lexer"
	"github.com/goccy/go-yaml/token"
)

const (
	// MaxDepth is how deep maps and lists may nest.
	MaxDepth = 100
	// maxAliases is how many aliases a file may have. Each may stand for others,
	// so that a few dozen can stand for more than fits in memory.
	maxAliases = 20
	// maxOpen is how many brackets may be open, quoted or not. The exact check
	// takes seconds for files beyond it.
	maxOpen = 2000
)

// Check returns an error that names the place where data nests too deep or
// repeats itself too often. Everything that reads YAML calls it first.
func Check(data []byte) error {
	if err := checkBrackets(data); err != nil {
		return err
	}
	var columns []int // where the block collections around the current token begin
	flow, aliases := 0, 0
	var previous *token.Token
	for _, t := range lexer.Tokenize(string(data)) {
		at := 0
		switch t.Type {
		case token.SequenceStartType, token.MappingStartType:
			flow++
		case token.SequenceEndType, token.MappingEndType:
			flow = max(0, flow-1)
		case token.SequenceEntryType, token.MappingKeyType:
			at = t.Position.Column
		case token.MappingValueType:
			if previous != nil {
				at = previous.Position.Column
			}
		case token.DocumentHeaderType, token.DocumentEndType:
			columns, flow = columns[:0], 0
		case token.AliasType:
			if aliases++; aliases > maxAliases {
				return fmt.Errorf("line %d, column %d: more than %d aliases; write the values out", t.Position.Line, t.Position.Column, maxAliases)
			}
		}
		if at > 0 && flow == 0 {
			for len(columns) > 0 && columns[len(columns)-1] > at {
				columns = columns[:len(columns)-1]
			}
			if len(columns) == 0 || columns[len(columns)-1] < at {
				columns = append(columns, at)
			}
		}
		if len(columns)+flow > MaxDepth {
			return tooDeep(t.Position.Line, t.Position.Column)
		}
		previous = t
	}
	return nil
}

// checkBrackets refuses what no one writes by hand, without reading it as YAML.
func checkBrackets(data []byte) error {
	open, run := 0, 0
	for i, c := range data {
		switch c {
		case '[', '{':
			open++
			run++
		case '-', '?':
			if i+1 < len(data) && data[i+1] == ' ' {
				run++
			} else {
				run = 0
			}
		case ' ':
		case ']', '}':
			open, run = max(0, open-1), 0
		default:
			run = 0
		}
		if open > maxOpen || run > MaxDepth {
			line := 1 + bytes.Count(data[:i], []byte("\n"))
			return tooDeep(line, i-bytes.LastIndexByte(data[:i], '\n'))
		}
	}
	return nil
}

func tooDeep(line, column int) error {
	return fmt.Errorf("line %d, column %d: nested deeper than %d levels", line, column, MaxDepth)
}
