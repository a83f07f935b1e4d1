// Package export writes what somebody sees of the audit into a file, in the background
// (product.md §8, §9).
//
//	begun ──▶ running ──▶ done ──link──▶ fetched     each link once, for ten minutes
//	  │          ▲    └──▶ failed
//	  └▶ draft ──┘ when a second person has approved it: more than 10,000 rows
//
// The rows are those of package trail, by what who began it may see at the moment in which
// it is written; the end of its time is fixed when it is begun, so nothing comes to it
// afterwards. How many rows there are is counted when it is begun, and again as they are
// written: whoever sees more by then than one person may take gets nothing, like who may
// export no more when it is written, or fetched. A replica writes it part by part and keeps
// one part at a time. When it dies another one begins anew. After a day it is gone.
package export
