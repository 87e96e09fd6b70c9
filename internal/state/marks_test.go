package state

import (
	"fmt"
	"math"
	"testing"
	"time"
)

func TestMarks(t *testing.T) {
	db := open(t, t.TempDir())
	list := []Finding{{ID: "a", Time: 1, Last: 1, Body: []byte(`{"id":"a"}`)}, {ID: "b", Time: 2, Last: 1000, Body: []byte(` {} `)}, {ID: "c", Time: 3, Last: 1, Body: []byte("[]")}}
	note, none := "nightly \"job\"", ""
	write := func(f func(*Tx) error) {
		t.Helper()
		if err := db.Write(f); err != nil {
			t.Fatal(err)
		}
	}
	write(func(tx *Tx) error { return tx.PutFindings(list) })
	for _, c := range []struct {
		id     string
		status Status
		note   *string
		want   string
	}{
		{"a", StatusFalse, nil, `{"id":"a","status":"false"}`},
		{"a", StatusTrue, &note, `{"id":"a","status":"true","note":"nightly \"job\""}`},
		{"a", StatusOpen, nil, `{"id":"a","status":"open","note":"nightly \"job\""}`},
		{"b", StatusFalse, &note, `{"status":"false","note":"nightly \"job\""}`},
		{"b", StatusFalse, &none, `{"status":"false"}`},
	} {
		write(func(tx *Tx) error { return tx.PutMark(c.id, c.status, c.note) })
		write(func(tx *Tx) error { return tx.PutFindings(list) }) // replaces the finding, not its mark
		f, err := db.Finding(c.id)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := f.Document(); err != nil || string(got) != c.want {
			t.Errorf("%s, %v, want %s", got, err, c.want)
		}
	}
	if f, err := db.Finding("b"); err != nil || time.Since(time.UnixMilli(f.Marked)).Abs() > time.Hour {
		t.Errorf("%+v, %v", f, err)
	}
	if f, err := db.Finding("c"); err != nil || f.Mark != (Mark{Status: StatusOpen}) {
		t.Errorf("%+v, %v", f, err)
	} else if _, err := f.Document(); err == nil {
		t.Error("an array passed as a finding")
	}
	if f, err := db.Finding("d"); err == nil {
		t.Errorf("%+v", f)
	}
	var got []string
	if err := db.Findings(t.Context(), FindingQuery{Latest: math.MaxInt64}, func(f *Finding) error {
		got = append(got, fmt.Sprint(f.ID, " ", f.Status))
		return nil
	}); err != nil || fmt.Sprint(got) != "[a open b false c open]" {
		t.Errorf("%v, %v", got, err)
	}

	marks := func() (n int) {
		if err := db.db.QueryRow("SELECT count(*) FROM finding_mark").Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	write(func(tx *Tx) error { return tx.PutMark("c", StatusFalse, nil) })
	write(func(tx *Tx) error { return tx.PutMark("c", StatusOpen, nil) })
	if n := marks(); n != 2 { // that of a has a note
		t.Errorf("%d marks", n)
	}
	if _, err := db.ExpireFindings(time.Unix(0, 500)); err != nil {
		t.Fatal(err)
	}
	if n := marks(); n != 1 {
		t.Errorf("%d marks are left of one finding", n)
	}
}
