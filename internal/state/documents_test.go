package state

import (
	"bytes"
	"errors"
	"testing"
)

func TestDocuments(t *testing.T) {
	db := open(t, t.TempDir())
	defer db.Close()
	put := func(body string, was int64, gone bool) (int64, error) {
		d := &Document{Kind: "dashboard", ID: "a", Who: "ann", Body: []byte(body), Gone: gone}
		err := db.Write(func(tx *Tx) error { return tx.PutDocument(d, was) })
		return d.Version, err
	}
	for i, step := range []struct {
		body string
		was  int64
		gone bool
		bad  bool
	}{
		{body: "one"},
		{body: "two", bad: true}, // it is there already
		{body: "two", was: 1},
		{body: "three", was: 1, bad: true}, // somebody wrote version 2
		{was: 2, gone: true},
		{body: "four", was: 3, bad: true}, // it is gone
		{body: "four"},
		{body: "five", was: -1},
	} {
		if _, err := put(step.body, step.was, step.gone); errors.Is(err, ErrVersion) != step.bad {
			t.Errorf("step %d: %v", i, err)
		}
	}
	now, err := db.Document("dashboard", "a")
	if err != nil || now == nil || string(now.Body) != "five" || now.Version != 5 {
		t.Errorf("%+v, %v", now, err)
	}
	if d, err := db.DocumentVersion("dashboard", "a", 2); err != nil || string(d.Body) != "two" || d.Who != "ann" {
		t.Errorf("%+v, %v", d, err)
	}
	if list, err := db.Documents("dashboard", true); err != nil || len(list) != 1 || string(list[0].Body) != "five" {
		t.Errorf("%+v, %v", list, err)
	}
	for range mostVersions {
		if _, err := put("more", -1, false); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := db.DocumentVersions("dashboard", "a"); err != nil || len(list) != mostVersions || list[0].Version != 5+mostVersions {
		t.Errorf("%d versions, %v", len(list), err)
	}
	large := string(bytes.Repeat([]byte("x"), MaxDocument))
	for range 6 {
		if _, err := put(large, -1, false); err != nil {
			t.Fatal(err)
		}
	}
	if list, err := db.DocumentVersions("dashboard", "a"); err != nil || len(list) != 1+mostOld/MaxDocument {
		t.Errorf("%d versions of %d bytes are kept, %v", len(list), MaxDocument, err)
	}
	if _, err := put(large+"x", -1, false); err == nil {
		t.Error("a document beyond the bound was written")
	}
}
