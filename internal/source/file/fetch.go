package file

import "io"

// Fetcher fetches the files of a pass ahead of those who read them.
type Fetcher interface {
	// Ahead is how many files are fetched side by side.
	Ahead() int
	// Next begins to fetch a file; it waits while what was fetched before and is not
	// closed takes all room. open waits for the file, and is called at most once.
	Next(f *File) (open func() (io.ReadCloser, error))
	// Close waits for what was begun, after the context of the pass has ended or all
	// files were read.
	Close()
}
