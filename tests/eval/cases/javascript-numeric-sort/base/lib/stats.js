"use strict";

/** Sum of an array of numbers; 0 for none. */
function sum(values) {
  return values.reduce((total, value) => total + value, 0);
}

/** Arithmetic mean; NaN for none. */
function mean(values) {
  return sum(values) / values.length;
}

/** How many values lie in each of `count` buckets of equal width. */
function histogram(values, count) {
  const low = Math.min(...values);
  const width = (Math.max(...values) - low) / count || 1;
  const buckets = new Array(count).fill(0);
  for (const value of values) {
    buckets[Math.min(count - 1, Math.floor((value - low) / width))] += 1;
  }
  return buckets;
}

module.exports = { sum, mean, histogram };
