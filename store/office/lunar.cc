#include "store/office/lunar.h"

#include <array>
#include <cmath>
#include <numbers>

namespace lienthong::store {
namespace {

constexpr double kEpoch = 2'440'587.5;  // Julian date of 1970-01-01T00:00Z
constexpr double kOffsetDays = 7.0 / 24;
constexpr double kMonthDays = 29.530588861;
constexpr int kTermDegrees = 30;

double sine(double degrees) {
  return std::sin(std::fmod(degrees, 360.0) * std::numbers::pi / 180.0);
}

// Uniform time less that of the day, in days (Espenak and Meeus).
double time_difference(double julian) {
  const double year = 2000 + (julian - 2'451'544.5) / 365.2425;
  double t = year - 2000, seconds = 0;
  if (year < 1986) {
    t = year - 1975;
    seconds = 45.45 + 1.067 * t - t * t / 260 - t * t * t / 718;
  } else if (year < 2005) {
    seconds = 63.86 + t * (0.3345 +
                           t * (-0.060374 + t * (0.0017275 + t * (0.000651814 + t * 2.373599e-5))));
  } else if (year < 2050) {
    seconds = 62.92 + t * (0.32217 + t * 0.005589);
  } else {
    const double u = (year - 1820) / 100;
    seconds = -20 + 32 * u * u - 0.5628 * (2150 - year);
  }
  return seconds / 86'400;
}

OfficeDay office_day(double uniform) {
  return static_cast<OfficeDay>(
      std::floor(uniform - time_difference(uniform) + kOffsetDays - kEpoch));
}

struct Periodic {  // of chapter 49: coefficient, power of E, multiples of M, M', F, omega
  double amount;
  int e, sun, moon, latitude, node;
};
constexpr std::array<Periodic, 25> kNewMoon = {{
    {-0.40720, 0, 0, 1, 0, 0}, {0.17241, 1, 1, 0, 0, 0},    {0.01608, 0, 0, 2, 0, 0},
    {0.01039, 0, 0, 0, 2, 0},  {0.00739, 1, -1, 1, 0, 0},   {-0.00514, 1, 1, 1, 0, 0},
    {0.00208, 2, 2, 0, 0, 0},  {-0.00111, 0, 0, 1, -2, 0},  {-0.00057, 0, 0, 1, 2, 0},
    {0.00056, 1, 1, 2, 0, 0},  {-0.00042, 0, 0, 3, 0, 0},   {0.00042, 1, 1, 0, 2, 0},
    {0.00038, 1, 1, 0, -2, 0}, {-0.00024, 1, -1, 2, 0, 0},  {-0.00017, 0, 0, 0, 0, 1},
    {-0.00007, 0, 2, 1, 0, 0}, {0.00004, 0, 0, 2, -2, 0},   {0.00004, 0, 3, 0, 0, 0},
    {0.00003, 0, 1, 1, -2, 0}, {0.00003, 0, 0, 2, 2, 0},    {-0.00003, 0, 1, 1, 2, 0},
    {0.00003, 0, -1, 1, 2, 0}, {-0.00002, 0, -1, 1, -2, 0}, {-0.00002, 0, 1, 3, 0, 0},
    {0.00002, 0, 0, 4, 0, 0},
}};

struct Planetary {
  double at, rate, amount;  // degrees at k = 0 and for each k
};
constexpr std::array<Planetary, 14> kPlanets = {{
    {299.77, 0.107408, 0.000325},
    {251.88, 0.016321, 0.000165},
    {251.83, 26.651886, 0.000164},
    {349.42, 36.412478, 0.000126},
    {84.66, 18.206239, 0.000110},
    {141.74, 53.303771, 0.000062},
    {207.14, 2.453732, 0.000060},
    {154.84, 7.306860, 0.000056},
    {34.52, 27.261239, 0.000047},
    {207.19, 0.121824, 0.000042},
    {291.34, 1.844379, 0.000040},
    {161.72, 24.198154, 0.000037},
    {239.56, 25.513099, 0.000035},
    {331.55, 3.592518, 0.000023},
}};

// The kth new moon after the first of 2000, in uniform time.
double new_moon(int k) {
  const double t = k / 1236.85, t2 = t * t, t3 = t2 * t, t4 = t3 * t;
  const double e = 1 - 0.002516 * t - 0.0000074 * t2;
  const double sun = 2.5534 + 29.10535670 * k - 0.0000014 * t2 - 0.00000011 * t3;
  const double moon =
      201.5643 + 385.81693528 * k + 0.0107582 * t2 + 0.00001238 * t3 - 0.000000058 * t4;
  const double latitude =
      160.7108 + 390.67050284 * k - 0.0016118 * t2 - 0.00000227 * t3 + 0.000000011 * t4;
  const double node = 124.7746 - 1.56375588 * k + 0.0020672 * t2 + 0.00000215 * t3;
  double at =
      2'451'550.09766 + kMonthDays * k + 0.00015437 * t2 - 0.00000015 * t3 + 0.00000000073 * t4;
  for (const Periodic& term : kNewMoon)
    at += term.amount * std::pow(e, term.e) *
          sine(term.sun * sun + term.moon * moon + term.latitude * latitude + term.node * node);
  for (const Planetary& term : kPlanets) {
    const double bend = &term == kPlanets.data() ? -0.009173 * t2 : 0;
    at += term.amount * sine(term.at + term.rate * k + bend);
  }
  return at;
}

OfficeDay month_begin(int k) { return office_day(new_moon(k)); }

// Where the sun stands as seen from here, in degrees, 0 to 360 (chapter 25).
double sun_at(double uniform) {
  const double t = (uniform - 2'451'545.0) / 36'525;
  const double mean = 280.46646 + 36'000.76983 * t + 0.0003032 * t * t;
  const double anomaly = 357.52911 + 35'999.05029 * t - 0.0001537 * t * t;
  const double centre = (1.914602 - 0.004817 * t - 0.000014 * t * t) * sine(anomaly) +
                        (0.019993 - 0.000101 * t) * sine(2 * anomaly) +
                        0.000289 * sine(3 * anomaly);
  const double seen = mean + centre - 0.00569 - 0.00478 * sine(125.04 - 1934.136 * t);
  const double turned = std::fmod(seen, 360.0);
  return turned < 0 ? turned + 360 : turned;
}

// Which twelfth the sun is in as that day begins at the office.
int twelfth_at(OfficeDay day) {
  const double civil = static_cast<double>(day) + kEpoch - kOffsetDays;
  return static_cast<int>(sun_at(civil + time_difference(civil)) / kTermDegrees);
}

// The month that holds the winter solstice of the year: the sun reaches 270 degrees in it.
int month_eleven(int year) {
  const double solstice_about = (year - 2000) * 365.2422 + 356;  // days after 2000-01-01
  int k = static_cast<int>(std::floor(solstice_about / kMonthDays)) + 1;
  constexpr int kWinter = 270 / kTermDegrees;
  while (twelfth_at(month_begin(k)) >= kWinter || twelfth_at(month_begin(k)) < 3) --k;
  while (twelfth_at(month_begin(k + 1)) < kWinter && twelfth_at(month_begin(k + 1)) >= 3) ++k;
  return k;
}

}  // namespace

std::optional<OfficeDay> lunar_month(int year, int month) {
  if (year < kLunarYearMin || year > kLunarYearMax || month < 1 || month > 12) return std::nullopt;
  const int first = month_eleven(year - 1), next = month_eleven(year);
  // Months 11 and 12 of this year come after the second solstice.
  const bool late = month >= 11;
  const int begin = late ? next : first;
  const int end = late ? month_eleven(year + 1) : next;
  int wanted = late ? month - 11 : month + 1;  // months after month 11
  if (end - begin == 13) {
    for (int k = begin + 1; k < end; ++k) {
      if (twelfth_at(month_begin(k)) != twelfth_at(month_begin(k + 1))) continue;
      if (k - begin <= wanted) ++wanted;  // that one is the leap month
      break;
    }
  }
  return month_begin(begin + wanted);
}

}  // namespace lienthong::store
