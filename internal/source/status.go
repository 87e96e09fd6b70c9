package source

import "time"

// Status is how a source does, for people.
type Status struct {
	State    string    // fine, waiting, failing
	About    string    // why it is not fine
	Pieces   int64     // files, objects or requests that were taken in since the server started
	Events   int64     // new ones of these
	Problems int64     // pieces that could not be read, or not wholly, since the server started
	Last     time.Time // when something came, also before the server started; zero = never
	Error    string    // the last one
	ErrorAt  time.Time
}
