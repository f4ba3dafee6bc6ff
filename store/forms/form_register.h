// The register (Sổ theo dõi hồ sơ): the dossiers that an agency received in a year, numbered from
// 01 by the moment of reception; one book for each field of work, or for each procedure. It is
// computed from the records that are here when it is asked for (TT 01/2018/TT-VPCP, Điều 10). Any
// thread.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "store/forms/form.h"
#include "store/replica/replica.h"

namespace lienthong::store {

struct RegisterQuery {
  AgencyId agency;  // that received them
  int year = 0;
  std::optional<std::string> field;      // only this field of work ("": those without one)
  std::optional<std::string> procedure;  // only this procedure: then one book for it
  bool by_procedure = false;             // a book for each procedure, else for each field
  const FormSet* set = nullptr;          // null: the one in force on 1 January of the year
  std::function<bool()> stopping = {};   // ends early, with what there is
};

inline constexpr int kRegisterYearMin = 1970;
inline constexpr int kRegisterYearMax = 9999;

// Books by name, those of dossiers without field or procedure last; none where nothing was
// received. Which dossiers stand in them is as of its making; their rows are read when they are
// asked for. The replica outlives it.
class Registers final : public FormPages {
 public:
  // Fails: kInvalidArgument (year), kNotFound (the forms have none).
  static Result<Registers> collect(const Replica& replica, const RegisterQuery& query);

  std::size_t size() const override { return books_.size(); }
  const FormPage& page(std::size_t index) const override { return books_[index].page; }
  void for_each_row(std::size_t index, const Visit& visit) const override;

  struct Received {
    UnixMillis at = 0;
    std::uint32_t record = 0;  // local number
  };

 private:
  struct Book {
    FormPage page;
    std::deque<Received> list;  // in the order of reception, then of codes
  };
  explicit Registers(const Replica& replica) : replica_(&replica), registry_(replica.registry()) {}

  const Replica* replica_;
  std::shared_ptr<const Registry> registry_;
  std::vector<Book> books_;
};

}  // namespace lienthong::store
