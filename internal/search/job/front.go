package job

import (
	"slices"
	"strings"

	"bluetrail/internal/spl/exec"
	"bluetrail/internal/spl/syntax"
)

// Parts says what a search is made of.
type Parts struct {
	Events bool   // its rows are events rather than a table
	Front  string // the part that finds events, "" = it reads none
	Writes bool   // it changes something or sends something
}

// PartsOf takes a search apart.
func PartsOf(q *syntax.Query) Parts {
	p := Parts{Events: true, Writes: writes(q)}
	var front []string
	reading := true
	for i, st := range q.Stages {
		if _, generates := st.Cmd.(exec.Generating); generates && i == 0 {
			return Parts{Writes: p.Writes}
		}
		if tabulates(st.Cmd) {
			reading = false
		}
		p.Events = p.Events && reading && st.Def.Name != "table"
		if reading && !slices.Contains(shows, st.Def.Name) && !slices.Contains(writers, st.Def.Name) {
			front = append(front, st.Cmd.Print())
		}
	}
	p.Front = strings.Join(front, " | ")
	return p
}

// shows are commands that neither drop events nor make fields: what is counted
// is the same without them.
var shows = []string{"fields", "table", "sort", "reverse", "fieldformat"}

// writers are commands that change something outside the search or send it.
var writers = []string{"collect", "outputcsv", "outputlookup", "sendalert", "sendemail", "fit"}

func tabulates(c syntax.Command) bool {
	if t, ok := c.(interface{ Tabulates() bool }); ok {
		return t.Tabulates()
	}
	_, ok := c.(exec.Transforming)
	return ok
}

// writes reports whether a command of q or of its subsearches is a writer. The
// searches that map and savedsearch run are not looked at.
func writes(q *syntax.Query) bool {
	for _, st := range q.Stages {
		if slices.Contains(writers, st.Def.Name) {
			return true
		}
		var inner []*syntax.Query
		if w, ok := st.Cmd.(syntax.WithQueries); ok {
			inner = w.Queries()
		}
		if r, ok := st.Cmd.(syntax.Resolving); ok {
			inner = append(inner[:len(inner):len(inner)], r.Subsearches()...)
		}
		if slices.ContainsFunc(inner, writes) {
			return true
		}
	}
	return false
}
