package plan_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"bluetrail/internal/spl/exec"
)

// post keeps what is sent.
type post struct {
	got  []*exec.Sending
	fail error
}

func (p *post) Send(_ context.Context, s *exec.Sending) error {
	p.got = append(p.got, s)
	return p.fail
}

// TestSending: all rows are one message, bounded, and are passed on.
func TestSending(t *testing.T) {
	p := &post{}
	run := func(text string) ([]string, []string, error) {
		t.Helper()
		p.got = nil
		env := exec.NewEnv(time.Unix(1700000000, 0))
		env.Sender = p
		_, rows, err := evaluate(text, memoryStore(t, nil), env)
		return rows, env.Warnings(), err
	}
	rows, _, err := run(`| makeresults count=150 | streamstats count as n | eval list=mvappend("a","b") | table n list | sendalert soc param.subject="Look" param.message=here param.x=1`)
	if err != nil || len(rows) != 150 || len(p.got) != 1 {
		t.Fatal(len(rows), len(p.got), err)
	}
	s := p.got[0]
	if s.Output != "soc" || s.Title != "Look" || s.Text != "here\nx: 1\n" || s.Total != 150 || len(s.Rows) != 100 || !slices.Equal(s.Names, []string{"n", "list"}) || fmt.Sprint(s.Rows[1]) != "map[list:a\nb n:2]" {
		t.Errorf("%+v", s)
	}
	if _, _, err := run(`| makeresults | eval x="` + strings.Repeat("é", 2000) + `" | sendemail to="a@example.com, b@example.com" cc=c@example.com from=x server=y format=html`); err != nil {
		t.Fatal(err)
	}
	s = p.got[0]
	if s.Output != "" || !slices.Equal(s.To, []string{"a@example.com", "b@example.com", "c@example.com"}) || len(s.Rows[0]["x"]) > 1100 {
		t.Errorf("%+v", s.To)
	}
	if _, _, err := run(`| makeresults | where false() | sendalert soc`); err != nil || len(p.got) != 0 {
		t.Error("nothing is sent", p.got, err)
	}
	p.fail = errors.New(`there is no output "soc"`)
	if _, _, err := run(`| makeresults | sendalert soc`); err == nil || !strings.Contains(err.Error(), `sendalert: there is no output "soc"`) {
		t.Error(err)
	}
	if _, warnings, err := run(`| makeresults | sendemail to=a@example.com graceful=true`); err != nil || !slices.ContainsFunc(warnings, func(w string) bool { return strings.Contains(w, "sent nothing") }) {
		t.Error(warnings, err)
	}
	env := exec.NewEnv(time.Unix(1700000000, 0))
	if _, rows, err := evaluate(`| makeresults | sendalert soc`, memoryStore(t, nil), env); err != nil || len(rows) != 1 || len(env.Warnings()) != 1 {
		t.Error(rows, env.Warnings(), err)
	}
}
