package state

import (
	"errors"
	"strings"
	"testing"
)

func TestDeadLetters(t *testing.T) {
	db := open(t, t.TempDir())
	put := func(source, message, reason string) {
		t.Helper()
		if err := db.PutDeadLetter(&DeadLetter{Source: source, Message: message, Reason: reason, Received: 2, Body: "{}"}); err != nil {
			t.Fatal(err)
		}
	}
	put("q", "1", "not JSON")
	put("q", "2", strings.Repeat("é", maxReason))
	put("other", "1", "not JSON")
	put("q", "1", "still not JSON") // the same message again
	list, total, err := db.DeadLetters("q", 10)
	if err != nil || total != 2 || len(list) != 2 {
		t.Fatalf("%d of %d, %v", len(list), total, err)
	}
	letter := func(message string) DeadLetter {
		t.Helper()
		list, _, err := db.DeadLetters("q", 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range list {
			if l.Message == message {
				return l
			}
		}
		t.Fatalf("message %s is gone", message)
		return DeadLetter{}
	}
	if l := letter("1"); l.Reason != "still not JSON" || l.Received != 2 || l.Retry || l.Body != "{}" {
		t.Errorf("%+v", l)
	}
	if n := len(letter("2").Reason); n > maxReason || n < maxReason-4 {
		t.Errorf("a reason of %d bytes", n)
	}
	if n, err := db.RetryDeadLetters("q", letter("1").ID); n != 1 || err != nil {
		t.Error(n, err)
	}
	again, err := db.DeadLettersToRetry("q")
	if err != nil || len(again) != 1 || again[0].Message != "1" {
		t.Fatalf("%+v, %v", again, err)
	}
	if err := db.FailDeadLetter(again[0].ID, "gone"); err != nil {
		t.Fatal(err)
	}
	if l := letter("1"); l.Reason != "gone" || l.Retry || l.Received != 3 {
		t.Errorf("%+v", l)
	}
	if ok, err := db.DropDeadLetter(again[0].ID); !ok || err != nil {
		t.Error(ok, err)
	}
	if n, err := db.RetryDeadLetters("", again[0].ID); n != 0 || err != nil {
		t.Error("a letter that was dropped can be retried", err)
	}
	if counts, err := db.CountDeadLetters(); err != nil || counts["q"] != 1 || counts["other"] != 1 || len(counts) != 2 {
		t.Error(counts, err)
	}
	if n, err := db.RetryDeadLetters("other"); n != 1 || err != nil {
		t.Error(n, err)
	}
	if n, err := db.DropDeadLetters(""); n != 2 || err != nil {
		t.Error(n, err)
	}
	big := DeadLetter{Source: "q", Message: "3", Body: strings.Repeat("x", maxDeadBytes+1)}
	if err := db.PutDeadLetter(&big); !errors.Is(err, ErrDeadLettersFull) {
		t.Error(err)
	}
}

func TestResume(t *testing.T) {
	dir := t.TempDir()
	db := open(t, dir)
	if at, err := db.Resume("s", "us-east-1"); at != "" || err != nil {
		t.Error(at, err)
	}
	for _, at := range []string{"1", "2"} {
		if err := db.SetResume("s", "us-east-1", at); err != nil {
			t.Fatal(err)
		}
	}
	db.Close()
	if at, err := open(t, dir).Resume("s", "us-east-1"); at != "2" || err != nil {
		t.Error(at, err)
	}
}
