//! Tests of the edge over real sockets, grouped by the rules of docs/contract.md.

#[cfg(test)]
mod b3_drain;
#[cfg(test)]
mod client;
#[cfg(test)]
mod e1_problems;
#[cfg(test)]
mod h1_head;
#[cfg(test)]
mod h2_headers;
#[cfg(test)]
mod h3_bodies;
#[cfg(test)]
mod h5_precedence;
#[cfg(test)]
mod h6_cors;
#[cfg(test)]
mod h6_paths;
#[cfg(test)]
mod h7_deadlines;
#[cfg(test)]
mod h7_framing;
#[cfg(test)]
mod protected;
#[cfg(test)]
mod q1_rate_limits;
#[cfg(test)]
mod q2_failures;
#[cfg(test)]
mod q2_proxies;
#[cfg(test)]
mod records;
#[cfg(test)]
mod server;
