//! The doors, row by row of the route tables: who gets through, what a stranger can learn, what is written down, what
//! a body can touch. A new row needs one line in `aims.txt`; without it every test here says so.

mod aims;
mod alike;
mod callers;
mod company;
mod life;
mod matrix;
mod neighbour;
mod protected;
mod strangers;
mod things;
mod trail;
mod two_worlds;
